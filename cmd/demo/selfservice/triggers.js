// Calls the functions of Kratos' script that the nodes of a flow name.
addEventListener("load", () => {
  for (const on of document.querySelectorAll("[data-begin]")) window[on.dataset.begin]?.();
});
addEventListener("click", (event) => {
  const trigger = event.target.dataset?.trigger;
  if (!trigger) return;
  event.preventDefault();
  window[trigger]?.();
});
