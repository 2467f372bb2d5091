package pagetest

import (
	"encoding/json"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/domdebugger"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// survey is what survey.js tells of a page, with what the accessibility tree
// and the listeners add.
type survey struct {
	Language, Title   string
	Viewport, Refresh []string
	Canvas            colour
	Width, Height     float64 // of the document
	View              float64 // the width of the window
	Late              []string
	Elements          []element
}

// element is one element; elements name each other by their place in the
// document, and -1 is none.
type element struct {
	Name, Tag                                          string
	Attributes                                         map[string]string
	Parent                                             int
	Rendered, Seen                                     bool // Rendered may be too small for eyes
	Box                                                [4]float64
	Words, Value                                       string
	Drawn                                              []writing
	Color, Background                                  colour
	Picture                                            bool // behind it, whose colours nobody knows
	Opacity, Size, Weight                              float64
	Underlined, Inline, Native, Clipped                bool
	Borders                                            []border
	Disabled, Operable, Active, Pasted                 bool
	Labels, LabelledBy, DescribedBy, ErrorMessage, For []int
	Group                                              string // of a radio button
	TabIndex                                           int
	Moves                                              string

	// As a screen reader has it. Ignored elements have no role.
	Role, Label string
	Level       int
	Listens     bool // to clicks
}

type border struct {
	Width float64
	Color colour
}

// writing is a text that a style draws.
type writing struct {
	Words        string
	Color        colour
	Size, Weight float64
}

func (e *element) has(attribute string) bool {
	_, ok := e.Attributes[attribute]
	return ok
}

// says gives all that is written in an element, for eyes.
func (s *survey) says(i int) string {
	var words []string
	for j := i; j < len(s.Elements) && (j == i || s.within(j, i)); j++ {
		e := &s.Elements[j]
		if e.Seen {
			words = append(words, e.Words)
		}
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// within says whether an element is inside another.
func (s *survey) within(inner, outer int) bool {
	for p := s.Elements[inner].Parent; p >= 0; p = s.Elements[p].Parent {
		if p == outer {
			return true
		}
	}
	return false
}

// up says whether an element or one around it is such.
func (s *survey) up(i int, such func(*element) bool) bool {
	for ; i >= 0; i = s.Elements[i].Parent {
		if such(&s.Elements[i]) {
			return true
		}
	}
	return false
}

// survey looks at the page.
func (tab *Tab) survey() *survey {
	tab.t.Helper()
	s := evaluate[*survey](tab, surveyor+`.page()`)
	depth, pierce := int64(-1), true
	tree := command(tab, dom.GetDocument, dom.GetDocumentParams{Depth: &depth})
	place := make(map[cdp.BackendNodeID]int)
	inOrder(tree.Root, place)
	if len(place) != len(s.Elements) {
		tab.t.Fatalf("the page changes while it is looked at: %d elements, then %d", len(s.Elements), len(place))
	}
	for _, node := range command(tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		i, ok := place[node.BackendDOMNodeID]
		if !ok || node.Ignored {
			continue
		}
		e := &s.Elements[i]
		e.Role, e.Label = text(node.Role), strings.TrimSpace(text(node.Name))
		for _, p := range node.Properties {
			if p.Name == accessibility.PropertyNameLevel {
				_ = json.Unmarshal(p.Value.Value, &e.Level)
			}
		}
	}
	root := run(tab, chromedp.Evaluate[*runtime.RemoteObject]("document"))
	listeners := command(tab, domdebugger.GetEventListeners, domdebugger.GetEventListenersParams{ObjectID: root.ObjectID, Depth: &depth, Pierce: &pierce})
	for _, l := range listeners.Listeners {
		if i, ok := place[l.BackendNodeID]; ok && (l.Type == "click" || l.Type == "mousedown" || l.Type == "pointerdown") {
			s.Elements[i].Listens = true
		}
	}
	return s
}

// elementNode is the type of elements in the DOM specification.
const elementNode = 1

// inOrder gives each element its place in the order of the document.
func inOrder(node *cdp.Node, place map[cdp.BackendNodeID]int) {
	if node.NodeType == elementNode {
		place[node.BackendNodeID] = len(place)
	}
	for _, child := range node.Children {
		inOrder(child, place)
	}
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	_ = json.Unmarshal(v.Value, &s) // what is no text has none
	return s
}
