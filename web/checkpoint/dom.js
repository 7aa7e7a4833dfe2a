// Builds elements. Text goes in as text: nothing that a card, a pass or a wallet says ever becomes markup.

/**
 * An element. `attributes`: `on` holds listeners by event name, `true` and `false` set and leave out, `null` leaves out.
 * Children: nodes, texts, lists of them; `null`, `undefined` and `false` are left out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue
    if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...flat(children))
  return element
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
}

const SVG = 'http://www.w3.org/2000/svg'

/** Strokes on a field of 24 by 24. */
const ICONS = {
  camera: 'M4 8h3l2-3h6l2 3h3v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z',
  keyboard: 'M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M7 14h10',
  sound: 'M4 9v6h4l5 4V5L8 9zM16.5 8.5a5 5 0 0 1 0 7M19 6a9 9 0 0 1 0 12',
  mute: 'M4 9v6h4l5 4V5L8 9zM17 10l4 4M21 10l-4 4',
  leave: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  next: 'M5 12h14M13 6l6 6-6 6',
  again: 'M20 12a8 8 0 1 1-2.5-5.8M20 3v4.5h-4.5',
  close: 'M6 6l12 12M18 6L6 18',
  ticket: 'M3 7h18v3.2a1.8 1.8 0 0 0 0 3.6V17H3v-3.2a1.8 1.8 0 0 0 0-3.6zM14 7v10',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
  torch: 'M8 3h8v4l-2 3v11h-4V10L8 7zM8 7h8',
  person: 'M12 12a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM3.5 21a8.5 8.5 0 0 1 17 0',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2',
  down: 'M6 9l6 6 6-6',
  hand: 'M7 12V6.5a1.5 1.5 0 0 1 3 0V11 4.5a1.5 1.5 0 0 1 3 0V11 5.5a1.5 1.5 0 0 1 3 0V12 8.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-1.5a6 6 0 0 1-5-2.7L3.8 14a1.6 1.6 0 0 1 2.5-1.9z',
  offline: 'M3 3l18 18M8.5 16.5a5 5 0 0 1 7 0M5 13a10 10 0 0 1 5-2.7M19 13a10 10 0 0 0-2.6-1.8M12 20h.01',
}

/** A small picture beside words; it says nothing by itself. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg')
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' })) svg.setAttribute(key, value)
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', ICONS[name])
  svg.append(path)
  return svg
}

/** The signs of the three decisions: told apart by their outline alone, without colour. */
const SIGNS = {
  accepted: [['circle', { cx: 60, cy: 60, r: 54, class: 'plate' }], ['path', { d: 'M34 62l18 18 35-39', class: 'mark' }]],
  refused: [
    ['path', { d: 'M38 6h44l32 32v44l-32 32H38L6 82V38z', class: 'plate' }],
    ['path', { d: 'M42 42l36 36M78 42L42 78', class: 'mark' }],
  ],
  undetermined: [
    ['path', { d: 'M60 8l54 98H6z', class: 'plate' }],
    ['path', { d: 'M60 44v28', class: 'mark' }],
    ['circle', { cx: 60, cy: 89, r: 6.5, class: 'dot' }],
  ],
}

/** The sign of a decision. The word stands beside it. */
export function sign(decision) {
  const svg = document.createElementNS(SVG, 'svg')
  for (const [key, value] of Object.entries({ viewBox: '0 0 120 120', class: 'sign', 'aria-hidden': 'true', focusable: 'false' })) svg.setAttribute(key, value)
  for (const [tag, attributes] of SIGNS[decision]) {
    const shape = document.createElementNS(SVG, tag)
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value)
    svg.append(shape)
  }
  return svg
}

/** Says something to a screen reader: at once when it cannot wait, else when it pauses. */
export function announce(text, urgent = false) {
  const region = document.getElementById(urgent ? 'assertive' : 'polite')
  region.textContent = ''
  // The same words twice are read twice only when the region was empty between.
  setTimeout(() => { region.textContent = text }, 50)
}

/** Takes back what was said, so that it cannot be read again. */
export function hush() {
  for (const id of ['polite', 'assertive']) document.getElementById(id).textContent = ''
}

/** A picture from SVG text, as an image: what is in it can neither run nor load anything. */
export const svgAddress = (svg) => `data:image/svg+xml;base64,${btoa(unescapeToBytes(svg))}`

function unescapeToBytes(text) {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
}
