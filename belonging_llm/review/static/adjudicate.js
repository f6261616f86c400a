// Keys of the adjudication form. They work only while the form has the focus, so they are in nobody's way elsewhere.
(() => {
  const form = document.getElementById("decide");
  if (!form) return;
  const codes = [...form.querySelectorAll("fieldset.ruling")];
  const began = Date.now();
  let at = Math.max(0, codes.findIndex((one) => one.dataset.contested === "yes"));

  const radios = (code) => [...code.querySelectorAll("input[type=radio]")];
  const show = (n) => {
    at = Math.min(Math.max(n, 0), codes.length - 1);
    codes.forEach((one, i) => one.classList.toggle("here", i === at));
    const code = codes[at];
    if (!code) return;
    (radios(code).find((one) => one.checked) || radios(code)[0]).focus({ preventScroll: true });
    code.scrollIntoView({ block: "nearest" });
  };
  const choose = (code, value) => {
    const found = radios(code).find((one) => one.value === value);
    if (found) found.checked = true;
    return found;
  };
  const decide = (value) => {
    if (!codes[at] || !choose(codes[at], value)) return;
    const next = codes.findIndex((one) => !radios(one).some((radio) => radio.checked));
    if (next >= 0) show(next);
    else form.elements.reason.focus();
  };
  const asCoder = (n) => {
    const whole = codes.map((code) => code.querySelector(`.options`).dataset[`coder${n}`]);
    if (!whole.length || whole.some((one) => one === undefined)) return;
    codes.forEach((code, i) => {
      choose(code, whole[i]);
      const words = code.querySelector("select");
      const spans = code.querySelector(".options").dataset[`spans${n}`];
      if (words && spans !== undefined && [...words.options].some((one) => one.value === spans)) words.value = spans;
    });
    form.elements.reason.focus();
  };
  const POLARITY = { n: "no", e: "yes experienced", a: "yes absent", m: "yes mixed", y: "yes" };

  form.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio]), select, textarea, summary, a, button");
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^[1-9]$/.test(event.key)) asCoder(Number(event.key));
    else if (event.key in POLARITY) decide(POLARITY[event.key]);
    else if (event.key === "ArrowDown") show(at + 1);
    else if (event.key === "ArrowUp") show(at - 1);
    else if (event.key === "r") form.elements.reason.focus();
    else if (event.key === "s") document.getElementById("skip")?.click();
    else if (event.key === "Enter") form.requestSubmit();
    else return;
    event.preventDefault();
  });
  form.addEventListener("submit", () => {
    form.elements.seconds.value = String(Math.round((Date.now() - began) / 1000));
  });
  codes.forEach((code, i) => code.addEventListener("focusin", () => {
    at = i;
    codes.forEach((one, k) => one.classList.toggle("here", k === i));
  }));
  if (codes.length) show(at);
  else form.focus();
})();
