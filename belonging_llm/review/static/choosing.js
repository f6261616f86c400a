// Choosing segments: all or none at once, a stretch with Shift, and how many are chosen.
(function () {
  "use strict";
  var boxes = Array.prototype.slice.call(document.querySelectorAll("input[name=segments]"));
  var told = document.querySelector("[data-chosen]"), last = -1;
  function tell() {
    var n = boxes.filter(function (box) { return box.checked; }).length;
    if (!told) return;
    told.textContent = n ? n + " chosen." : "";
    told.parentNode.hidden = !n;
  }
  document.querySelectorAll("[data-choose]").forEach(function (button) {
    button.hidden = boxes.length < 2;
    button.addEventListener("click", function () {
      boxes.forEach(function (box) { box.checked = button.dataset.choose === "all"; });
      tell();
    });
  });
  boxes.forEach(function (box, at) {
    box.addEventListener("click", function (event) {
      if (event.shiftKey && last >= 0) {
        boxes.slice(Math.min(at, last), Math.max(at, last) + 1).forEach(function (one) { one.checked = box.checked; });
      }
      last = at;
      tell();
    });
  });
  tell();
})();
