package pagetest

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"slices"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// clickable finds elements that handle clicks but cannot be focused.
func clickable(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if !e.Seen || !e.Listens || slices.Contains([]string{"html", "body", "main", "form"}, e.Tag) {
			continue
		}
		around := s.anyAncestor(i, func(e *element) bool { return e.Operable || e.Tag == "label" || e.has("tabindex") })
		inside := false
		for j := range s.Elements {
			inside = inside || s.within(j, i) && s.Elements[j].Operable
		}
		if !around && !inside {
			found = append(found, Violation{RuleKeyboard, e.Name, "handles clicks but cannot be reached by keyboard"})
		}
	}
	return found
}

// focusStop is where one press of Tab moved the focus.
type focusStop struct {
	Place   int        // the index of the element, -1 if none has the focus
	Covered bool       // by another element, or outside the window
	Box     [4]float64 // of the element
	Around  [4]float64 // of the element with its labels and a margin
}

// tabThrough presses Tab until every stop was visited, and checks each stop.
func (tab *Tab) tabThrough(s *survey) (found []Violation) {
	tab.t.Helper()
	due := s.tabbable()
	evaluate[chromedp.Void](tab, `document.activeElement?.blur()`)
	tab.setMotionPreference("reduce") // animations would look like a focus indicator
	defer tab.setMotionPreference("no-preference")
	before := tab.pixels([4]float64{0, 0, max(s.Width, s.View), s.Height})
	var visited []int
	for again, presses := 0, 0; presses < 2*len(due)+4; presses++ {
		tab.Press(TabKey)
		at := tab.currentStop()
		if at.Place < 0 {
			continue
		}
		if slices.Contains(visited, at.Place) {
			if at.Place != visited[len(visited)-1] {
				break // the cycle is complete
			}
			if again++; again == 3 && len(due) > 1 {
				found = append(found, Violation{RuleTrap, s.Elements[at.Place].Name, "traps the focus"})
				return found
			}
			continue
		}
		visited = append(visited, at.Place)
		e := &s.Elements[at.Place]
		if at.Covered {
			found = append(found, Violation{RuleFocusObscured, e.Name, "is covered or outside the window while it has the focus"})
		}
		if v := at.checkIndicator(e.Name, before, tab.pixels(at.Around)); v != nil {
			found = append(found, *v)
		}
	}
	found = append(found, s.checkOrder(visited)...)
	for _, i := range due {
		if !slices.Contains(visited, i) && !s.grouped(i, visited) {
			found = append(found, Violation{RuleKeyboard, s.Elements[i].Name, "is not reached by Tab"})
		}
	}
	return found
}

// tabbable returns the elements that Tab must reach.
func (s *survey) tabbable() (places []int) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Operable && !e.Disabled && e.Seen && !s.anyAncestor(i, func(e *element) bool { return e.Attributes["aria-hidden"] == "true" }) {
			places = append(places, i)
		}
	}
	return places
}

// grouped reports whether a radio button is reached through another of its group.
func (s *survey) grouped(i int, visited []int) bool {
	group := s.Elements[i].Group
	return group != "" && slices.ContainsFunc(visited, func(v int) bool { return s.Elements[v].Group == group })
}

// checkOrder checks that the stops, from any starting point, follow document
// order, and that document order matches the layout.
func (s *survey) checkOrder(visited []int) (found []Violation) {
	for i := range s.Elements {
		if e := &s.Elements[i]; e.TabIndex > 0 {
			found = append(found, Violation{RuleFocusOrder, e.Name, "has a positive tabindex"})
		}
	}
	if len(found) > 0 || len(visited) == 0 {
		return found
	}
	start := slices.Index(visited, slices.Min(visited))
	inOrder := append(slices.Clone(visited[start:]), visited[:start]...)
	for k := 1; k < len(inOrder); k++ {
		last, next := &s.Elements[inOrder[k-1]], &s.Elements[inOrder[k]]
		if inOrder[k] < inOrder[k-1] {
			found = append(found, Violation{RuleFocusOrder, next.Name, "comes after " + last.Name})
		} else if next.Seen && last.Seen && next.Box[1]+next.Box[3] <= last.Box[1] {
			found = append(found, Violation{RuleSequence, next.Name, "comes after " + last.Name + " but is shown above it"})
		}
	}
	return found
}

func (tab *Tab) currentStop() focusStop {
	tab.t.Helper()
	return evaluate[focusStop](tab, `(() => {
		const element = document.activeElement;
		if (!element || element === document.body) {
			return { place: -1 };
		}
		for (const animation of document.getAnimations()) {
			animation.effect.getComputedTiming().endTime === Infinity ? animation.cancel() : animation.finish();
		}
		const labels = [...element.labels ?? []];
		const box = element.getBoundingClientRect();
		const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
		const shown = hit !== null && (element.contains(hit) || hit.contains(element) || labels.some((label) => label.contains(hit)));
		const boxes = [element, ...labels].map((one) => one.getBoundingClientRect());
		const left = Math.max(0, Math.floor(Math.min(...boxes.map((one) => one.left)) + scrollX - 12));
		const top = Math.max(0, Math.floor(Math.min(...boxes.map((one) => one.top)) + scrollY - 12));
		const right = Math.ceil(Math.max(...boxes.map((one) => one.right)) + scrollX + 12);
		const bottom = Math.ceil(Math.max(...boxes.map((one) => one.bottom)) + scrollY + 12);
		return {
			place: [...document.querySelectorAll("*")].indexOf(element),
			covered: !shown,
			box: [box.left + scrollX, box.top + scrollY, box.width, box.height],
			around: [left, top, right - left, bottom - top],
		};
	})()`)
}

// checkIndicator compares a picture of the page without focus with one of the
// focused area. The change must amount to at least a line of one pixel around the
// element.
func (at focusStop) checkIndicator(name string, before, after *image.RGBA) *Violation {
	changed, plain := 0, 0
	left, top := int(at.Around[0]), int(at.Around[1])
	for y := range after.Bounds().Dy() {
		for x := range after.Bounds().Dx() {
			place := image.Pt(left+x, top+y)
			if !place.In(before.Bounds()) {
				continue
			}
			i, j := before.PixOffset(place.X, place.Y), after.PixOffset(x, y)
			if a, b := before.Pix[i:i+3], after.Pix[j:j+3]; !bytes.Equal(a, b) {
				changed++
				if ratio(pixel(a), pixel(b)) >= 3 {
					plain++
				}
			}
		}
	}
	around := int(2 * (at.Box[2] + at.Box[3]) * 0.75) // corners are round, and a line may be on one side only
	switch {
	case changed < around:
		return &Violation{RuleFocusVisible, name, fmt.Sprintf("changes %d pixels when focused, want at least %d", changed, around)}
	case plain < around:
		return &Violation{RuleFocusContrast, name, fmt.Sprintf("changes %d pixels by a contrast of 3 to 1 when focused, want at least %d", plain, around)}
	}
	return nil
}

// pixels returns a picture of a part of the document.
func (tab *Tab) pixels(box [4]float64) *image.RGBA {
	tab.t.Helper()
	beyond, fast := true, true
	shot := command(tab, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip:                  &page.Viewport{X: box[0], Y: box[1], Width: box[2], Height: box[3], Scale: 1},
		CaptureBeyondViewport: &beyond, OptimizeForSpeed: &fast,
	})
	picture, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		tab.t.Fatal(err)
	}
	plain := image.NewRGBA(picture.Bounds())
	draw.Draw(plain, plain.Bounds(), picture, picture.Bounds().Min, draw.Src)
	return plain
}
