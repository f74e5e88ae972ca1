(function () {
  // This page runs in an opaque origin, where storage throws. It gets one that lasts as long as the tab.
  function stand() {
    var kept = new Map();
    var own = {
      getItem: function (k) { k = String(k); return kept.has(k) ? kept.get(k) : null; },
      setItem: function (k, v) { kept.set(String(k), String(v)); },
      removeItem: function (k) { kept.delete(String(k)); },
      clear: function () { kept.clear(); },
      key: function (n) { var k = Array.from(kept.keys())[n]; return k === undefined ? null : k; }
    };
    return new Proxy(own, {
      get: function (t, k) { return k === "length" ? kept.size : k in t ? t[k] : kept.get(k); },
      set: function (t, k, v) { t.setItem(k, v); return true; },
      has: function (t, k) { return k in t || kept.has(k); },
      deleteProperty: function (t, k) { kept.delete(k); return true; },
      ownKeys: function () { return Array.from(kept.keys()); },
      getOwnPropertyDescriptor: function (t, k) {
        return kept.has(k) ? { value: kept.get(k), writable: true, enumerable: true, configurable: true } : undefined;
      }
    });
  }
  ["localStorage", "sessionStorage"].forEach(function (name) {
    try { window[name].length; } catch (e) {
      try { Object.defineProperty(window, name, { value: stand(), configurable: true }); } catch (f) { /* it stays as it is */ }
    }
  });
  try { document.cookie; } catch (e) {
    try { Object.defineProperty(document, "cookie", { get: function () { return ""; }, set: function () {}, configurable: true }); } catch (f) { /* it stays as it is */ }
  }
})();
