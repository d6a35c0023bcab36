// Says so when the page itself has failed, with nothing that the failed program would have to do.
//
// A panic leaves its report in `data-panic` (src/ui/mod.rs) and ends in a trap; memory that ran out is a trap without a report.

addEventListener("error", ({ error }) => tell(error));
addEventListener("unhandledrejection", ({ reason }) => tell(reason));

function tell(error) {
  // Only what went through the page's own program: that one never runs on after it.
  if (!/wasm/.test(error?.stack ?? "") || document.querySelector(".panic")) return;
  // Nothing of the page has run yet: its program did not come.
  const booting = document.querySelector(".booting");
  if (booting && !document.documentElement.dataset.panic) {
    booting.textContent = booting.dataset.broken;
    return;
  }
  const report = [document.documentElement.dataset.panic ?? `${error}`, error.stack, navigator.userAgent].join("\n\n");
  const element = (name, text, more) => Object.assign(document.createElement(name), { textContent: text }, more);
  const notice = element("div", "", { className: "panic", role: "alert" });
  const copy = element("button", "copy report", { type: "button" });
  const details = element("details", "");
  copy.onclick = () =>
    navigator.clipboard.writeText(report).then(
      () => (copy.textContent = "copied"),
      // Without leave to copy, the reader can select it.
      () => (details.open = true),
    );
  const reload = element("button", "reload", { type: "button", onclick: () => location.reload() });
  details.append(element("summary", "report"), element("pre", report, { tabIndex: 0 }));
  notice.append(
    element(
      "p",
      "Omega Lens has stopped: something went wrong in the page itself, and that is our mistake. Your files are untouched. " +
        "Reload to go on: your place is in the address; files of your own have to be dropped again.",
    ),
    reload,
    " ",
    copy,
    details,
  );
  document.body.append(notice);
}
