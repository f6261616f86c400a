/* The coding page: keys, evidence, drafts, time. Everything works as plain forms without it, but more slowly. */
"use strict";
(() => {
  const form = document.getElementById("coding");
  if (!form) return;
  const status = document.getElementById("status");
  const boxes = [...form.querySelectorAll("input[name=code]")];
  const none = document.getElementById("none");
  const flagged = document.getElementById("flagged");
  const memo = document.getElementById("memo");
  const byCode = new Map(boxes.map((box) => [box.value, box]));
  const field = (name) => form.elements.namedItem(name);
  const keys = form.dataset.keys;
  let spans = JSON.parse(field("spans").value);
  // Words marked before a code was chosen wait for the next one.
  let waiting = [];
  let current = boxes.findLast((box) => box.checked)?.value ?? null;
  const past = [];
  let marking = null;
  let sent = false;

  const say = (text, bad = false) => {
    status.textContent = text;
    status.classList.toggle("bad", bad);
  };
  const nameOf = (code) => form.querySelector(`label[for=${byCode.get(code).id}]`).textContent;
  const polarityOf = (box) => box.closest(".code").querySelector("select");

  /* The segment's words, in code points as the server counts them. */
  const place = () => document.getElementById("segment");
  const points = Array.from(place().textContent);
  const words = [];
  for (let at = 0, from = -1; at <= points.length; at++) {
    const gap = at === points.length || /\s/u.test(points[at]);
    if (!gap && from < 0) from = at;
    if (gap && from >= 0) { words.push([from, at]); from = -1; }
  }
  const quote = ([start, end]) => points.slice(start, end).join("");

  /* What is drawn over the words: evidence, and the cursor while one marks by keyboard. */
  const paint = () => {
    const layers = [];
    for (const [code, several] of Object.entries(spans)) {
      for (const [start, end] of several) layers.push([start, end, code === current ? "now" : "also"]);
    }
    for (const [start, end] of waiting) layers.push([start, end, "now"]);
    if (marking) layers.push([...reach(), "cursor"]);
    const edges = [...new Set([0, points.length, ...layers.flatMap(([a, b]) => [a, b])])].sort((a, b) => a - b);
    const pieces = [];
    for (let n = 0; n + 1 < edges.length; n++) {
      const kinds = layers.filter(([a, b]) => a <= edges[n] && edges[n + 1] <= b).map(([, , kind]) => kind);
      const text = document.createTextNode(points.slice(edges[n], edges[n + 1]).join(""));
      if (!kinds.length) { pieces.push(text); continue; }
      const mark = document.createElement("mark");
      mark.className = [...new Set(kinds)].join(" ");
      mark.append(text);
      pieces.push(mark);
    }
    place().replaceChildren(...pieces);
    for (const box of boxes) list(box);
    field("spans").value = JSON.stringify(spans);
  };
  const list = (box) => {
    const items = (spans[box.value] ?? []).map((span) => {
      const item = document.createElement("li");
      const said = quote(span);
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "plain";
      remove.textContent = "×";
      remove.setAttribute("aria-label", `Take off: ${said}`);
      remove.addEventListener("click", () => change(() => drop(box.value, span)));
      item.append(`“${said.length > 60 ? said.slice(0, 57) + "…" : said}” `, remove);
      return item;
    });
    box.closest(".code").querySelector(".spans").replaceChildren(...items);
  };

  /* Changes, each of which can be undone. */
  const snapshot = () => ({
    codes: boxes.filter((box) => box.checked).map((box) => box.value),
    polarities: boxes.map((box) => polarityOf(box).value),
    none: none.checked, flagged: flagged.checked, certainty: field("certainty").value,
    spans: structuredClone(spans), waiting: structuredClone(waiting), current,
  });
  let shown = null;
  const change = (what) => {
    what();
    past.push(shown);
    settle();
  };
  const settle = () => {
    shown = snapshot();
    paint();
    keepSoon();
  };
  const undo = () => {
    const was = past.pop();
    if (!was) { go("before"); return; }
    boxes.forEach((box, n) => {
      box.checked = was.codes.includes(box.value);
      polarityOf(box).value = was.polarities[n];
    });
    none.checked = was.none;
    flagged.checked = was.flagged;
    for (const radio of form.querySelectorAll("[name=certainty]")) radio.checked = radio.value === was.certainty;
    ({ spans, waiting, current } = structuredClone({ spans: was.spans, waiting: was.waiting, current: was.current }));
    settle();
    say("Undone.");
  };
  const drop = (code, span) => {
    spans[code] = spans[code].filter((one) => one[0] !== span[0] || one[1] !== span[1]);
    if (!spans[code].length) delete spans[code];
  };
  const onCode = (box) => {
    if (box.checked) {
      none.checked = false;
      current = box.value;
      if (waiting.length) { spans[current] = [...(spans[current] ?? []), ...waiting]; waiting = []; }
      say(`${nameOf(box.value)}: on, ${polarityOf(box).selectedOptions[0].text}.`);
    } else {
      delete spans[box.value];
      current = boxes.findLast((one) => one.checked)?.value ?? null;
      say(`${nameOf(box.value)}: off.`);
    }
  };
  const toggle = (box) => change(() => { box.checked = !box.checked; onCode(box); });
  const onNone = () => {
    if (!none.checked) { say("None fits: off."); return; }
    for (const box of boxes) box.checked = false;
    spans = {};
    current = null;
    say("None of the codes fits.");
  };
  const polarise = () => {
    if (!current) { say("Choose a code first; its polarity is next.", true); return; }
    const select = polarityOf(byCode.get(current));
    change(() => { select.selectedIndex = (select.selectedIndex + 1) % select.options.length; });
    say(`${nameOf(current)}: ${select.selectedOptions[0].text}.`);
  };
  const certain = () => {
    const radios = [...form.querySelectorAll("[name=certainty]")];
    const at = radios.findIndex((radio) => radio.checked);
    change(() => {
      radios.forEach((radio, n) => { radio.checked = n === at + 1; });
    });
    say(at + 1 < radios.length ? `Certainty: ${radios[at + 1].value}.` : "Certainty: not said.");
  };
  const evidence = (start, end) => {
    if (start >= end) return;
    const code = current;
    const given = code ? (spans[code] ?? []) : waiting;
    const again = given.some((one) => one[0] === start && one[1] === end);
    change(() => {
      const next = again ? given.filter((one) => one[0] !== start || one[1] !== end) : [...given, [start, end]];
      if (!code) waiting = next;
      else if (next.length) spans[code] = next;
      else delete spans[code];
    });
    const said = quote([start, end]);
    if (again) say(`Taken off: “${said}”.`);
    else say(code ? `Evidence for ${nameOf(code)}: “${said}”.` : `Marked: “${said}”. The next code that you choose gets it.`);
  };

  /* Evidence with the mouse: what is selected within the segment. */
  document.addEventListener("mouseup", (event) => {
    if (event.target.closest("button, a, dialog")) return;
    const chosen = document.getSelection();
    if (!chosen.rangeCount || chosen.isCollapsed) return;
    const range = chosen.getRangeAt(0);
    if (!place().contains(range.startContainer) || !place().contains(range.endContainer)) return;
    const offset = (node, at) => {
      const before = document.createRange();
      before.setStart(place(), 0);
      before.setEnd(node, at);
      return Array.from(before.toString()).length;
    };
    let start = offset(range.startContainer, range.startOffset);
    let end = offset(range.endContainer, range.endOffset);
    while (start < end && /\s/u.test(points[start])) start++;
    while (end > start && /\s/u.test(points[end - 1])) end--;
    chosen.removeAllRanges();
    evidence(start, end);
  });

  /* Evidence by keyboard: a cursor of words. */
  const reach = () => {
    const [a, b] = [marking.from, marking.at].sort((x, y) => x - y);
    return [words[a][0], words[b][1]];
  };
  const begin = () => {
    if (!words.length) return;
    marking = { from: 0, at: 0 };
    paint();
    place().focus();
    say("Marking: arrows move by words, Shift extends, Enter marks, Esc leaves.");
  };
  const move = (by, extend) => {
    marking.at = Math.min(Math.max(marking.at + by, 0), words.length - 1);
    if (!extend) marking.from = marking.at;
    paint();
    say(quote(reach()));
  };
  const whileMarking = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8, Home: -Infinity, End: Infinity }[event.key];
    if (by !== undefined) move(by, event.shiftKey);
    else if (event.key === "Enter") { const [a, b] = reach(); marking = null; evidence(a, b); }
    else if (event.key === "Escape") { marking = null; paint(); say(""); }
    else if (event.key === "Tab") { marking = null; paint(); return; }
    else if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
    event.preventDefault();
  };

  /* Time: only while the page is looked at and something was done in the last minute. */
  let counted = parseFloat(field("seconds").value) || 0;
  let since = performance.now();
  let touched = since;
  const count = () => {
    const now = performance.now();
    if (document.visibilityState === "visible" && now - touched < 60000) counted += (now - since) / 1000;
    since = now;
    field("seconds").value = counted.toFixed(3);
  };
  setInterval(count, 1000);
  for (const kind of ["keydown", "pointermove", "pointerdown", "scroll"]) {
    document.addEventListener(kind, () => { count(); touched = performance.now(); }, { passive: true, capture: true });
  }
  document.addEventListener("visibilitychange", count);

  /* Drafts: kept a moment after each change, and at once when the page is left. */
  let timer = null;
  const keep = async (leaving = false) => {
    clearTimeout(timer);
    timer = null;
    if (sent) return;
    count();
    try {
      const reply = await fetch(form.dataset.draft, {
        method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: leaving, redirect: "error",
      });
      if (!reply.ok) throw new Error(String(reply.status));
      form.dataset.kept = "yes";
    } catch (error) {
      if (!sent && !leaving) say("What you chose could not be kept as a draft. Is the server there? You can still submit.", true);
    }
  };
  const keepSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 700);
  };
  addEventListener("pagehide", () => { if (timer) keep(true); });
  const go = (id) => {
    const link = document.getElementById(id);
    if (!link) { say(id === "before" ? "This is the first one." : "This is the last one."); return; }
    link.click();
  };

  form.addEventListener("change", (event) => {
    const target = event.target;
    past.push(shown);
    if (target.name === "code") onCode(target);
    else if (target === none) onNone();
    else if (target.name.startsWith("polarity ")) current = target.closest(".code").querySelector("[name=code]").value;
    settle();
  });
  memo.addEventListener("input", keepSoon);
  form.addEventListener("submit", (event) => {
    const skips = event.submitter?.value === "skip";
    if (sent) { event.preventDefault(); return; }
    if (!skips && !none.checked && !boxes.some((box) => box.checked)) {
      event.preventDefault();
      say("Choose a code, or say that none fits (n).", true);
      return;
    }
    sent = true;
    clearTimeout(timer);
    count();
  });
  // Shown again out of the browser's memory, the form would be one that was sent.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  /* Dialogs. */
  const dialog = (id) => document.getElementById(id);
  const guidelines = async () => {
    const body = document.getElementById("guidelines-body");
    dialog("guidelines").showModal();
    if (!body.childElementCount) await htmx.ajax("GET", body.dataset.from, { target: body, swap: "innerHTML" });
  };
  document.getElementById("help").addEventListener("click", () => dialog("keys").showModal());
  document.getElementById("mark").addEventListener("click", begin);
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target.id === "context") paint(); });

  /* Keys. */
  const walk = (by) => {
    const all = [...boxes, none];
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
    all[next].focus();
  };
  const does = {
    f: () => { change(() => { flagged.checked = !flagged.checked; }); say(flagged.checked ? "Flagged." : "Not flagged."); },
    h: guidelines, p: polarise, c: certain, e: begin,
    n: () => change(() => { none.checked = !none.checked; onNone(); }),
    m: () => memo.focus(),
    t: () => document.getElementById("whole").click(),
    "?": () => dialog("keys").showModal(),
    Enter: () => document.getElementById("submit").click(),
    " ": () => document.getElementById("skip").click(),
    Backspace: undo,
    ArrowUp: () => walk(-1), ArrowDown: () => walk(1), ArrowLeft: () => go("before"), ArrowRight: () => go("after"),
  };
  const codeFor = (event) => {
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    if (digit) return boxes.find((box) => box.dataset.digit === (event.shiftKey ? "⇧" : "") + digit);
    return boxes.find((box) => box.dataset.letter && box.dataset.letter === event.key.toLowerCase());
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    if (marking) { whileMarking(event); return; }
    const typing = target.matches("textarea, select, input:not([type=checkbox], [type=radio])");
    if (typing && event.key === "Escape") { target.blur(); return; }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); does.Enter(); return; }
    if (typing) return;
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); return; }
    if (keys === "off" || event.ctrlKey || event.metaKey || event.altKey !== (keys === "alt")) return;
    const native = target.matches("button, a, summary, input");
    if (native && (event.key === " " || event.key === "Enter") && !event.altKey) return;
    if (target.matches("[type=radio]") && event.key.startsWith("Arrow")) return;
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    const box = codeFor(event);
    const does_ = box ? () => toggle(box) : does[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does_) return;
    event.preventDefault();
    does_();
  });
  // A click leaves the focus on the box, where Space would not skip any more.
  form.addEventListener("click", (event) => {
    if (event.detail > 0 && event.target.matches("[type=checkbox], [type=radio]")) event.target.blur();
  });

  shown = snapshot();
  paint();
  if (!location.hash) place().focus({ preventScroll: true });
})();
