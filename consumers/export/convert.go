package export

import (
	"cmp"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// unknownMarket is the market of whatever names none.
const unknownMarket = "unknown"

func (e *Exporter) searchRow(page *schemas.SERP, pos Position) SearchRow {
	t, r := page.Timings, &page.Route
	row := SearchRow{
		CorrelationID: page.CorrelationID, AskedAt: micros(page.AskedAt()), CreatedAt: micros(page.CreatedAt), Market: marketOf(page.Market),
		Route: r.Name, Source: string(r.Source), Arm: r.Arm, Exposed: r.Exposed, Degraded: r.Degraded, Confidence: r.Confidence,
		Layout: page.Layout, Status: string(page.Status), Coverage: page.Coverage, CostUSD: page.Cost,
		QueuedMS: t.QueuedMS, RouterMS: t.RouterMS, ToolsMS: t.ToolsMS, RefineMS: t.RefineMS, TotalMS: t.TotalMS,
		Partition: int32(pos.Partition), Offset: pos.Offset,
	}
	if e.cfg.QueryText {
		row.Query = page.Query
	}
	if a := page.Asked; a != nil {
		row.Locale, row.Platform, row.Client, row.Session, row.User = a.Locale, a.Platform, a.Client, a.Session, a.User
		row.Experiments, row.Features = a.Experiments, a.Features
	}
	row.Sections = make([]SectionRow, len(page.Sections))
	for i := range page.Sections {
		row.Sections[i] = sectionRow(&page.Sections[i], i+1)
	}
	return row
}

func sectionRow(s *schemas.Section, position int) SectionRow {
	ids := make([]string, len(s.Items))
	for i := range s.Items {
		ids[i] = s.Items[i].ID
	}
	return SectionRow{
		Position: int32(position), ID: s.ID, Tool: s.Tool, Component: s.Component, Status: string(s.Status),
		Items: int32(len(ids)), ItemIDs: ids, TookMS: s.TookMS,
	}
}

func (e *Exporter) interactionRow(i *schemas.Interaction, pos Position) InteractionRow {
	received := i.ReceivedAt
	if received.IsZero() {
		received = pos.Time
	}
	object, ordinal := i.EventAttributes.Object, i.EventAttributes.Position.Ordinal
	return InteractionRow{
		EventID: i.EventID, Action: i.ActionName, QueryID: i.QueryID,
		Client: e.names.Client(cmp.Or(i.ClientID, i.SessionID)), Session: e.names.Session(i.SessionID), // as pages name them
		At: micros(i.At(pos.Time)), Timestamp: micros(i.Timestamp), SentAt: micros(i.SentAt), ReceivedAt: micros(received),
		Market: marketOf(i.Market), Route: i.Route, SectionID: i.SectionID, SectionPosition: int32(i.SectionPosition),
		ObjectID: object.ObjectID, ObjectType: object.ObjectIDType, Ordinal: int32(ordinal),
		MSPlayed: int64(i.MSPlayed), VisibleMS: int64(i.VisibleMS),
		Partition: int32(pos.Partition), Offset: pos.Offset,
	}
}

// micros returns the microseconds since 1970, and 0 for no time at all.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func marketOf(market string) string {
	if schemas.IsMarket(market) {
		return market
	}
	return unknownMarket
}

// filed returns the time that names the folder: at, unless it is too far from known, which
// our own clock has told.
func (e *Exporter) filed(at, known time.Time) time.Time {
	if at.Sub(known).Abs() > e.cfg.MaxLate {
		return known
	}
	return at
}

func folderOf(table string, day time.Time, market string) string {
	return table + "/date=" + day.UTC().Format(time.DateOnly) + "/market=" + market
}

// bytes returns about what the strings, lists and maps of the row hold in memory.
func (r *SearchRow) bytes() int {
	const perSection, perString, perEntry = 112, 16, 48 // in a list, in a list, in a map
	n := len(r.CorrelationID) + len(r.Query) + len(r.Client) + len(r.Session) + len(r.User) +
		len(r.Route) + len(r.Source) + len(r.Arm) + len(r.Layout) + len(r.Status) + len(r.Locale) + len(r.Platform)
	for _, m := range []map[string]string{r.Experiments, r.Features} {
		for k, v := range m {
			n += len(k) + len(v) + perEntry
		}
	}
	for i := range r.Sections {
		s := &r.Sections[i]
		n += perSection + len(s.ID) + len(s.Tool) + len(s.Component) + len(s.Status)
		for _, id := range s.ItemIDs {
			n += perString + len(id)
		}
	}
	return n
}

// bytes returns what the strings of the row hold in memory.
func (r *InteractionRow) bytes() int {
	return len(r.EventID) + len(r.Action) + len(r.QueryID) + len(r.Client) + len(r.Session) +
		len(r.Route) + len(r.SectionID) + len(r.ObjectID) + len(r.ObjectType)
}
