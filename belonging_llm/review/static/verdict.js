// Keys of the verdict form. They work only while the form has the focus, so they are in nobody's way elsewhere.
(() => {
  const form = document.getElementById("verdict");
  if (!form) return;
  const VERDICT = { a: "accept", c: "correct", x: "reject" };
  const right = document.getElementById("right");
  const settle = () => {
    right.hidden = form.elements.verdict.value !== "correct";
    form.elements.reason.required = ["correct", "reject"].includes(form.elements.verdict.value);
  };
  form.addEventListener("change", settle);
  form.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio]), select, textarea, a, button");
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in VERDICT) {
      form.elements.verdict.value = VERDICT[event.key];
      settle();
      if (event.key === "c") document.getElementById("right-outcome").focus();
      if (event.key === "x") form.elements.reason.focus();
    } else if (event.key === "r") form.elements.reason.focus();
    else if (event.key === "n") document.getElementById("following")?.click();
    else if (event.key === "Enter") form.requestSubmit();
    else return;
    event.preventDefault();
  });
  settle();
  form.focus({ preventScroll: true });
})();
