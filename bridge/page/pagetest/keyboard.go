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

// clickable looks for what takes clicks and can have no focus.
func clickable(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if !e.Seen || !e.Listens || slices.Contains([]string{"html", "body", "main", "form"}, e.Tag) {
			continue
		}
		around := s.up(i, func(e *element) bool { return e.Operable || e.Tag == "label" || e.has("tabindex") })
		inside := false
		for j := range s.Elements {
			inside = inside || s.within(j, i) && s.Elements[j].Operable
		}
		if !around && !inside {
			found = append(found, Violation{RuleKeyboard, e.Name, "takes clicks, and no key reaches it"})
		}
	}
	return found
}

// stop is where one press of Tab led.
type stop struct {
	Place   int        // of the element, -1 if none has the focus
	Covered bool       // by another, or outside the window
	Box     [4]float64 // of the element now
	Around  [4]float64 // its labels included, and what may be drawn beside it
}

// walk presses Tab until all is seen, and looks at each stop.
func (tab *Tab) walk(s *survey) (found []Violation) {
	tab.t.Helper()
	due := s.due()
	evaluate[chromedp.Void](tab, `document.activeElement?.blur()`)
	tab.prefer("reduce") // what moves by itself looks like a change
	defer tab.prefer("no-preference")
	before := tab.pixels([4]float64{0, 0, max(s.Width, s.View), s.Height})
	var visited []int
	for again, presses := 0, 0; presses < 2*len(due)+4; presses++ {
		tab.Press(TabKey)
		at := tab.stop()
		if at.Place < 0 {
			continue
		}
		if slices.Contains(visited, at.Place) {
			if at.Place != visited[len(visited)-1] {
				break // once around
			}
			if again++; again == 3 && len(due) > 1 {
				found = append(found, Violation{RuleTrap, s.Elements[at.Place].Name, "does not let go of the focus"})
				return found
			}
			continue
		}
		visited = append(visited, at.Place)
		e := &s.Elements[at.Place]
		if at.Covered {
			found = append(found, Violation{RuleFocusObscured, e.Name, "is covered, or out of sight, while it has the focus"})
		}
		if v := at.indicated(e.Name, before, tab.pixels(at.Around)); v != nil {
			found = append(found, *v)
		}
	}
	found = append(found, s.order(visited)...)
	for _, i := range due {
		if !slices.Contains(visited, i) && !s.grouped(i, visited) {
			found = append(found, Violation{RuleKeyboard, s.Elements[i].Name, "is not reached by Tab"})
		}
	}
	return found
}

// due gives what Tab must reach.
func (s *survey) due() (places []int) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Operable && !e.Disabled && e.Seen && !s.up(i, func(e *element) bool { return e.Attributes["aria-hidden"] == "true" }) {
			places = append(places, i)
		}
	}
	return places
}

// grouped says whether a radio button is reached through another of its group.
func (s *survey) grouped(i int, visited []int) bool {
	group := s.Elements[i].Group
	return group != "" && slices.ContainsFunc(visited, func(v int) bool { return s.Elements[v].Group == group })
}

// order looks whether the stops follow the document, from whichever the walk
// began with, and the document what is seen.
func (s *survey) order(visited []int) (found []Violation) {
	for i := range s.Elements {
		if e := &s.Elements[i]; e.TabIndex > 0 {
			found = append(found, Violation{RuleFocusOrder, e.Name, "has a tabindex of its own"})
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
			found = append(found, Violation{RuleSequence, next.Name, "comes after " + last.Name + " and stands above it"})
		}
	}
	return found
}

func (tab *Tab) stop() stop {
	tab.t.Helper()
	return evaluate[stop](tab, `(() => {
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

// indicated compares the page without a focus with the part of it that shows
// the focus. Enough has changed if it would make a line of a pixel around the
// element.
func (at stop) indicated(name string, before, after *image.RGBA) *Violation {
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
	around := int(2 * (at.Box[2] + at.Box[3]) * 0.75) // corners are round, and a line may stand at one side
	switch {
	case changed < around:
		return &Violation{RuleFocusVisible, name, fmt.Sprintf("shows its focus by %d pixels of about %d", changed, around)}
	case plain < around:
		return &Violation{RuleFocusContrast, name, fmt.Sprintf("shows its focus by %d pixels of 3 to 1, of about %d", plain, around)}
	}
	return nil
}

// pixels paints a part of the document, in whole pixels.
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
