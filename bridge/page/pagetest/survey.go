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

// survey is the result of survey.js, completed from the accessibility tree and the
// event listeners. Field names match the JSON of survey.js.
type survey struct {
	Language, Title   string
	Viewport, Refresh []string
	Canvas            rgba
	Width, Height     float64 // of the document
	View              float64 // the width of the window
	Late              []string
	Elements          []element
}

// element is one element of the document. Elements refer to each other by their
// index in document order; -1 means none.
type element struct {
	Name, Tag                                          string
	Attributes                                         map[string]string
	Parent                                             int
	Rendered, Seen                                     bool // Rendered includes elements too small to be visible
	Box                                                [4]float64
	Words, Value                                       string
	Drawn                                              []drawnText
	Color, Background                                  rgba
	Picture                                            bool // has a background picture, whose colors are unknown
	Opacity, Size, Weight                              float64
	Underlined, Inline, Native, Clipped                bool
	Borders                                            []border
	Disabled, Operable, Active, Pasted                 bool
	Labels, LabelledBy, DescribedBy, ErrorMessage, For []int
	Group                                              string // of a radio button
	TabIndex                                           int
	Moves                                              string

	// From the accessibility tree. Ignored elements have no role.
	Role, Label string
	Level       int
	Listens     bool // to clicks
}

type border struct {
	Width float64
	Color rgba
}

// drawnText is text that a style generates.
type drawnText struct {
	Words        string
	Color        rgba
	Size, Weight float64
}

func (e *element) has(attribute string) bool {
	_, ok := e.Attributes[attribute]
	return ok
}

// visibleText returns all visible text inside an element.
func (s *survey) visibleText(i int) string {
	var words []string
	for j := i; j < len(s.Elements) && (j == i || s.within(j, i)); j++ {
		e := &s.Elements[j]
		if e.Seen {
			words = append(words, e.Words)
		}
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// within reports whether an element is inside another.
func (s *survey) within(inner, outer int) bool {
	for p := s.Elements[inner].Parent; p >= 0; p = s.Elements[p].Parent {
		if p == outer {
			return true
		}
	}
	return false
}

// anyAncestor reports whether such holds for an element or one of its ancestors.
func (s *survey) anyAncestor(i int, such func(*element) bool) bool {
	for ; i >= 0; i = s.Elements[i].Parent {
		if such(&s.Elements[i]) {
			return true
		}
	}
	return false
}

// survey inspects the page.
func (tab *Tab) survey() *survey {
	tab.t.Helper()
	s := evaluate[*survey](tab, surveyScript+`.page()`)
	depth, pierce := int64(-1), true
	tree := command(tab, dom.GetDocument, dom.GetDocumentParams{Depth: &depth})
	place := make(map[cdp.BackendNodeID]int)
	indexElements(tree.Root, place)
	if len(place) != len(s.Elements) {
		tab.t.Fatalf("the page changed during the inspection: %d elements, then %d", len(s.Elements), len(place))
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

// elementNode is the node type of elements in the DOM specification.
const elementNode = 1

// indexElements maps each element to its index in document order.
func indexElements(node *cdp.Node, place map[cdp.BackendNodeID]int) {
	if node.NodeType == elementNode {
		place[node.BackendNodeID] = len(place)
	}
	for _, child := range node.Children {
		indexElements(child, place)
	}
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	_ = json.Unmarshal(v.Value, &s) // other types of value count as no text
	return s
}
