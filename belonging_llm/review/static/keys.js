// Single keys for what a page offers: an element with data-key="y" is pressed (or, if it is a field, entered) by y.
(function () {
  "use strict";
  var typing = /^(?:input|textarea|select)$/i;
  document.addEventListener("keydown", function (event) {
    if (document.body.dataset.keys === "off" || event.ctrlKey || event.altKey || event.metaKey) return;
    var at = event.target;
    if (event.key === "Escape" && typing.test(at.nodeName)) { at.blur(); return; }
    if (typing.test(at.nodeName) && at.type !== "checkbox" && at.type !== "radio") return;
    var wanted = null;
    document.querySelectorAll("[data-key]").forEach(function (one) {
      if (!wanted && one.dataset.key.split(" ").indexOf(event.key) >= 0 && !one.disabled && one.offsetParent) wanted = one;
    });
    if (!wanted) return;
    event.preventDefault();
    if (typing.test(wanted.nodeName)) { wanted.focus(); wanted.select && wanted.select(); } else wanted.click();
  });
})();
