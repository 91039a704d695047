/** How well each text under these elements can be read, by WCAG's measure. Runs in the page. */
export function contrasts(roots) {
  const paint = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  // The page's colours come in any notation; what is painted is always red, green, blue.
  const over = (layers) => {
    paint.clearRect(0, 0, 1, 1);
    for (const layer of layers) {
      paint.fillStyle = layer;
      paint.fillRect(0, 0, 1, 1);
    }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const layersUnder = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.unshift(getComputedStyle(one).backgroundColor);
    return layers;
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const isSeen = (element) => element.checkVisibility() && !element.closest(".spoken, option");
  const elements = roots.flatMap((root) => [...document.querySelectorAll(`${root} *`)]).filter((element) => hasText(element) && isSeen(element));
  return elements.map((element) => {
    const layers = layersUnder(element);
    const [text, ground] = [over([...layers, getComputedStyle(element).color]), over(layers)].map(luminance);
    const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    return { ratio: Math.round(ratio * 100) / 100, text: element.textContent.trim().slice(0, 40), name: `${element.tagName}.${element.className}` };
  });
}
