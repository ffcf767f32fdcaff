package schemas

// Display says how a section is drawn, in terms that every frontend has. The name of the
// component stands for the same, for frontends that have one of that name. The zero value
// is that of a record of before there were displays.
type Display struct {
	Flow     Flow     `json:"flow"`               // how items follow each other
	Form     Form     `json:"form"`               // how one item is drawn
	Lead     int      `json:"lead,omitempty"`     // so many first items are drawn large
	Numbered bool     `json:"numbered,omitempty"` // items have numbers: the order says something
	Text     TextRole `json:"text,omitempty"`     // what the text of the section is
	Width    int      `json:"width"`              // columns of twelve on a wide screen; a narrow one has room for one section
	// Room is how many items are shown at first. A frontend reserves room for so many
	// before the section lands, and shows the others when they are asked for.
	Room int `json:"room"`
}

// FullWidth is the width of a section that has no other beside it.
const FullWidth = 12

// Flow is how the items of a section follow each other.
type Flow string

// Flows.
const (
	FlowStack Flow = "stack" // one below the other
	FlowGrid  Flow = "grid"  // side by side, in lines
	FlowShelf Flow = "shelf" // in one line that scrolls sideways
)

// Form is how one item is drawn.
type Form string

// Forms.
const (
	FormRow  Form = "row"  // a small picture with the words beside it
	FormCard Form = "card" // a large picture with the words below it
)

// TextRole is what the text of a section is.
type TextRole string

// Roles of texts.
const (
	TextNote   TextRole = ""       // said beside the items
	TextAnswer TextRole = "answer" // what was asked for; the items are what it is about
	TextIntro  TextRole = "intro"  // spoken before the items
)

func (d *Display) check(p *problems) {
	if *d == (Display{}) {
		return
	}
	oneOf(p, "flow", d.Flow, FlowStack, FlowGrid, FlowShelf)
	oneOf(p, "form", d.Form, FormRow, FormCard)
	p.between("lead", d.Lead, 0, MaxItems)
	oneOf(p, "text", d.Text, TextNote, TextAnswer, TextIntro)
	p.between("width", d.Width, 1, FullWidth)
	p.between("room", d.Room, 1, MaxItems)
}
