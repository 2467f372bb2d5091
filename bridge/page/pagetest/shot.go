package pagetest

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// updateRequested reports whether the test binary was started with -update. Other
// packages with golden files have a flag of the same name.
func updateRequested() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// Shot saves a picture of the page as docs/screenshots/NAME.png if the test binary
// defines the flag -update and was started with it. Otherwise it only checks that
// the file exists, because fonts differ between machines.
func Shot(tab *Tab, name string) {
	tab.t.Helper()
	root, err := moduleRoot()
	if err != nil {
		tab.t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "screenshots", name+".png")
	if !updateRequested() {
		if _, err := os.Stat(file); err != nil {
			tab.t.Errorf("%v: run the test with -update", err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		tab.t.Fatal(err)
	}
	if err := os.WriteFile(file, tab.picture(), 0o644); err != nil {
		tab.t.Fatal(err)
	}
}

// picture returns a small PNG of the whole document.
func (tab *Tab) picture() []byte {
	tab.t.Helper()
	tab.setMotionPreference("reduce")
	defer tab.setMotionPreference("no-preference")
	defer tab.style(`* { caret-color: transparent !important }`)() // it blinks
	size := evaluate[[2]float64](tab, `[document.documentElement.scrollWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]`)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, reducePalette(tab.pixels([4]float64{0, 0, size[0], size[1]}), 32)); err != nil {
		tab.t.Fatal(err)
	}
	return out.Bytes()
}

// reducePalette redraws a picture with its most frequent colors only.
func reducePalette(picture *image.RGBA, colors int) *image.Paletted {
	count := make(map[color.RGBA]int)
	for i := 0; i < len(picture.Pix); i += 4 {
		count[colorAt(picture, i)]++
	}
	often := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		// The other keys make the result deterministic.
		return cmp.Or(count[b]-count[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range often[:min(len(often), colors)] {
		palette = append(palette, c)
	}
	nearest := make(map[color.RGBA]uint8)
	for c := range count {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(picture.Bounds(), palette)
	for i := range out.Pix {
		out.Pix[i] = nearest[colorAt(picture, 4*i)]
	}
	return out
}

// colorAt returns the color of the pixel whose first byte is at index i.
func colorAt(picture *image.RGBA, i int) color.RGBA {
	p := picture.Pix[i : i+4]
	return color.RGBA{p[0], p[1], p[2], p[3]}
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", os.ErrNotExist
	}
	return "", err
}
