// Errors of the page, which a plain WebDriver does not tell, and the texts that it saves; in every engine alike.
const put = (kind, text) => troubles.push(`${kind}: ${text}`);
const troubles = (window.troubles = []);
const error = console.error;
console.error = (...said) => {
  put("console", said.join(" "));
  error(...said);
};
addEventListener("error", (event) => put("error", event.message || event.target.src || event.target.href), true);
addEventListener("unhandledrejection", (event) => put("rejection", event.reason));
const saved = (window.saved = []);
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  if (/text|json/.test(blob.type)) blob.text().then((text) => saved.push(text));
  return make.call(URL, blob);
};
