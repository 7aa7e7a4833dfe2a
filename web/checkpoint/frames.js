// A presentation that a wallet shows as one or several QR codes: collected until they are all there.
//
// No standard covers it. Each code holds `YF1:<place>/<count>/<check>:<piece>` (docs/PRESENTATION-QR.md); what the
// pieces are is the service's to know.

const FRAME = /^YF1:(\d{1,2})\/(\d{1,2})\/([0-9A-F]{8}):[0-9A-Z $%*+\-./:]+$/

/** As many as the format allows. */
const MOST = 32

/** Whether a code is part of such a presentation. */
export const isFrame = (text) => text.startsWith('YF1:')

/** Frames of one presentation. */
export class Frames {
  #frames = new Map()
  #head = ''
  #count = 0

  /** Takes a code; true when it was new. A code of another presentation begins anew: the holder made another. */
  take(text) {
    const found = FRAME.exec(text)
    if (!found) return false
    const [place, count] = [Number(found[1]), Number(found[2])]
    if (place < 1 || place > count || count > MOST) return false
    const head = `${count}/${found[3]}`
    if (head !== this.#head) this.#frames.clear()
    else if (this.#frames.has(place)) return false
    this.#head = head
    this.#count = count
    this.#frames.set(place, text)
    return true
  }

  get isComplete() { return this.#count > 0 && this.#frames.size === this.#count }

  /** Which are there, in order. */
  get present() { return Array.from({ length: this.#count }, (_, at) => this.#frames.has(at + 1)) }

  /** The codes, in order. */
  get texts() { return this.present.map((_, at) => this.#frames.get(at + 1)) }
}
