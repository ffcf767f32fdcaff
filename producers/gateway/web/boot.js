// Runs before the first paint, so that nothing moves or flashes afterwards: the page knows
// that scripts work, and the chosen theme is there.
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("pfr-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing follows the system.
}
