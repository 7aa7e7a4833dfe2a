// A hand-held scanner that types: what it reads arrives as keys in quick succession, closed by Enter.

/** People do not type this fast, scanners do not type slower. */
const BETWEEN_MS = 50
/** A boarding pass has at least its mandatory items. */
const LEAST = 58
/** Conditional items and a signature can make it longer; beyond this it is something else. */
const MOST = 1024

let last = 0

/** Whether keys are arriving as fast as only a scanner sends them. */
export const isTyping = () => performance.now() - last < BETWEEN_MS

// Seen before any view looks at a key, so that a view can ask.
let burst = { text: '', at: 0 }
let listener = null
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  const now = performance.now()
  if (now - burst.at > BETWEEN_MS) burst.text = ''
  else last = now
  burst.at = now
  if (event.key.length === 1 && burst.text.length < MOST) burst.text += event.key
  if (event.key !== 'Enter' || burst.text.length < LEAST) return
  const { text } = burst
  burst.text = ''
  if (!listener || event.target.closest?.('input, textarea')) return
  event.preventDefault()
  event.stopImmediatePropagation()
  listener(text)
}, { capture: true })

/** Gives what a hand-held scanner reads to `found` while it is on. */
export class HandScanner {
  #found

  constructor(found) { this.#found = found }

  start() { listener = this.#found }

  stop() { if (listener === this.#found) listener = null }
}
