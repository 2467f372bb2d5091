// Records live regions that were added, or became live, with text already in
// them: a screen reader announces only changes in regions that it knows.
globalThis.lateRegions = [];
document.addEventListener("DOMContentLoaded", () => {
  const live = '[role="alert"],[role="status"],[role="log"],[aria-live="polite"],[aria-live="assertive"]';
  const note = (element) => {
    if (element.textContent.trim() !== "") {
      globalThis.lateRegions.push(element);
    }
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") {
        if (change.target.matches(live) && change.oldValue !== change.target.getAttribute(change.attributeName)) {
          note(change.target);
        }
        continue;
      }
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE || node.parentElement?.closest(live)) {
          continue;
        }
        [node, ...node.querySelectorAll("*")].filter((element) => element.matches(live)).forEach(note);
      }
    }
  }).observe(document, {
    subtree: true, childList: true, attributes: true, attributeOldValue: true, attributeFilter: ["role", "aria-live"],
  });
});
