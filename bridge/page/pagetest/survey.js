// Collects what the checks need from a document, as plain values, without changing
// the page.
({
  // name returns a short selector, for messages.
  name(element) {
    if (!element) {
      return "";
    }
    const tag = element.localName;
    if (element.id) {
      return tag + "#" + element.id;
    }
    const name = element.getAttribute("name");
    if (name) {
      return tag + "[name=" + name + "]";
    }
    const parent = element.parentElement;
    if (!parent || parent === document.documentElement) {
      return tag;
    }
    const alike = [...parent.children].filter((other) => other.localName === tag);
    const place = alike.length > 1 ? ":nth-of-type(" + (alike.indexOf(element) + 1) + ")" : "";
    return this.name(parent) + ">" + tag + place;
  },

  // color returns a CSS color as red, green, blue and alpha, each from 0 to 1.
  color(text) {
    const plain = text.match(/^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/);
    if (plain) {
      return [plain[1] / 255, plain[2] / 255, plain[3] / 255, plain[4] === undefined ? 1 : Number(plain[4])];
    }
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  },

  // canvas returns the browser's color under a page without a background.
  canvas() {
    const probe = document.createElement("i");
    probe.style.backgroundColor = "Canvas";
    probe.style.display = "none";
    document.documentElement.append(probe);
    const color = this.color(getComputedStyle(probe).backgroundColor);
    probe.remove();
    return color;
  },

  // seen reports whether an element is visible: it is rendered, and not hidden by
  // one of the techniques that leave text to screen readers only.
  seen(element, style, box) {
    return element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 1 && box.height > 1 &&
      !/inset\((50|100)%/.test(style.clipPath) && !/^rect\((0px|1px), (0px|1px), (0px|1px), (0px|1px)\)$/.test(style.clip) &&
      box.right + scrollX > 0 && box.bottom + scrollY > 0;
  },

  // words returns an element's own text, without that of its children.
  words(element) {
    return [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join(" ").trim();
  },

  // drawn returns the text that a style adds before or after an element.
  drawn(element, pseudo) {
    const style = getComputedStyle(element, pseudo);
    const content = style.content.match(/^"(.*)"$/);
    if (!content || content[1].trim() === "" || style.display === "none") {
      return null;
    }
    return { words: content[1], color: this.color(style.color), size: parseFloat(style.fontSize), weight: Number(style.fontWeight) };
  },

  // elements returns all elements in document order.
  elements() {
    const all = [...document.querySelectorAll("*")];
    const index = new Map(all.map((element, i) => [element, i]));
    const find = (ids) => (ids ?? "").split(/\s+/).filter(Boolean).map((id) => index.get(document.getElementById(id)) ?? -1);
    return all.map((element) => {
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const field = element.matches("input,textarea,select");
      const sides = ["Top", "Right", "Bottom", "Left"];
      return {
        name: this.name(element),
        tag: element.localName,
        attributes: Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])),
        parent: index.get(element.parentElement) ?? -1,
        rendered: element.checkVisibility({ visibilityProperty: true }),
        seen: this.seen(element, style, box),
        box: [box.left + scrollX, box.top + scrollY, box.width, box.height],
        words: this.words(element),
        value: field ? (element.value || (element.placeholder ?? "")) : "",
        drawn: ["::before", "::after"].map((pseudo) => this.drawn(element, pseudo)).filter(Boolean),
        color: this.color(field && !element.value && element.placeholder ? getComputedStyle(element, "::placeholder").color : style.color),
        background: this.color(style.backgroundColor),
        picture: style.backgroundImage !== "none",
        opacity: Number(style.opacity),
        size: parseFloat(style.fontSize),
        weight: Number(style.fontWeight),
        underlined: style.textDecorationLine.includes("underline") || parseFloat(style.borderBottomWidth) > 0,
        inline: style.display === "inline",
        borders: sides.map((side) => style["border" + side + "Style"] === "none" ? null : { width: parseFloat(style["border" + side + "Width"]), color: this.color(style["border" + side + "Color"]) })
          .filter((border) => border !== null && border.width > 0),
        native: style.appearance !== "none",
        clipped: (/hidden|clip/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1) ||
          (/hidden|clip/.test(style.overflowY) && element.scrollHeight > element.clientHeight + 1),
        disabled: element.matches(":disabled") || element.closest("[inert]") !== null,
        labels: [...(element.labels ?? [])].map((label) => index.get(label)),
        labelledby: find(element.getAttribute("aria-labelledby")),
        describedby: find(element.getAttribute("aria-describedby")),
        errormessage: find(element.getAttribute("aria-errormessage")),
        for: element.localName === "label" && element.htmlFor ? find(element.htmlFor) : [],
        operable: element.matches("a[href],area[href],button,input:not([type=hidden]),select,textarea,summary,iframe,audio[controls],video[controls]") ||
          /^(button|link|checkbox|radio|switch|textbox|combobox|tab|menuitem)$/.test(element.getAttribute("role") ?? ""),
        group: element.matches("input[type=radio]") ? (element.form ? index.get(element.form) : "") + " " + element.name : "",
        tabIndex: element.tabIndex,
        active: element === document.activeElement,
        pasted: !element.matches("input[type=password],input[type=email]") ||
          element.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: new DataTransfer() })),
        moves: this.moves(style),
      };
    });
  },

  // moves names the part of a style that moves for longer than 10 ms.
  moves(style) {
    const long = (durations) => durations.split(",").some((d) => parseFloat(d) * (d.trim().endsWith("ms") ? 1 : 1000) > 10);
    const still = /^(color|fill|stroke|opacity|visibility|outline(-color|-offset|-width)?|(background|border|text-decoration|caret)(-\w+)*-color|border-color|box-shadow|filter)$/;
    if (style.animationName !== "none" && long(style.animationDuration)) {
      return "animation " + style.animationName;
    }
    if (long(style.transitionDuration) && style.transitionProperty.split(", ").some((property) => !still.test(property))) {
      return "transition of " + style.transitionProperty;
    }
    return "";
  },

  page() {
    const meta = (query) => [...document.querySelectorAll(query)].map((element) => element.content);
    const root = document.scrollingElement ?? document.documentElement;
    return {
      language: document.documentElement.lang,
      title: document.title.trim(),
      viewport: meta('meta[name="viewport" i]'),
      refresh: meta('meta[http-equiv="refresh" i]'),
      canvas: this.canvas(),
      width: root.scrollWidth,
      height: root.scrollHeight,
      view: document.documentElement.clientWidth,
      late: (globalThis.lateRegions ?? []).map((element) => this.name(element)),
      elements: this.elements(),
    };
  },
})
