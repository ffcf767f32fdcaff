package agreement

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Write writes the report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	if len(r.Raters) == 0 {
		b.WriteString("no labels of people\n")
	} else {
		fmt.Fprintf(&b, "people: %s\n", strings.Join(r.Raters, ", "))
	}
	for _, h := range r.Humans {
		fmt.Fprintf(&b, "  %-10s %d items", h.Dimension, h.Items)
		if h.Shared > 0 {
			fmt.Fprintf(&b, ", %d by more than one person: Krippendorff's α %.2f, %d without a majority", h.Shared, h.Alpha, h.Divided)
		}
		b.WriteByte('\n')
	}
	if len(r.Judges) == 0 {
		b.WriteString("no judge has judged what they labelled\n")
	}
	for _, j := range r.Judges {
		j.write(&b)
	}
	for _, judge := range slices.Sorted(maps.Keys(r.Unused)) {
		fmt.Fprintf(&b, "\n%s has not judged %d labelled items\n", judge, r.Unused[judge])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r JudgeReport) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s on %s\n  %s\n", r.Judge, r.Dimension, r.Statement())
	if r.Items == 0 {
		return
	}
	fmt.Fprintf(b, "  agreement %.1f %% of %d\n  people \\ judge", 100*r.Table.Observed(), r.Items)
	for _, label := range r.Table.Labels {
		fmt.Fprintf(b, " %8s", label)
	}
	b.WriteByte('\n')
	for i, row := range r.Table.Counts {
		fmt.Fprintf(b, "  %14s", r.Table.Labels[i])
		for _, n := range row {
			fmt.Fprintf(b, " %8d", n)
		}
		b.WriteByte('\n')
	}
	if r.Passed == nil {
		return
	}
	fmt.Fprintf(b, "  pass rate %.1f %% of %d", 100*r.Passed.value(), r.Passed.N)
	if r.Corrected != nil {
		fmt.Fprintf(b, ", as people would judge %.1f %% [%.1f, %.1f]", 100*r.Corrected.Value, 100*r.Corrected.Low, 100*r.Corrected.High)
	} else {
		b.WriteString("; not corrected: " + r.Refused)
	}
	b.WriteByte('\n')
}
