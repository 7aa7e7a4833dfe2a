// A presentation as QR codes, written from docs/PRESENTATION-QR.md by whoever makes a wallet that can show it.
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'
const FRAME_CHARACTERS = 600

/** RFC 9285: two bytes as three letters, a last single one as two; the lowest digit first. */
function base45(bytes) {
  let text = ''
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = at + 1 < bytes.length
    let value = pair ? bytes[at] * 256 + bytes[at + 1] : bytes[at]
    for (let digit = 0; digit < (pair ? 3 : 2); digit += 1) {
      text += LETTERS[value % 45]
      value = Math.floor(value / 45)
    }
  }
  return text
}

/** The texts of the codes, in order; as few letters a code as makes several of them. */
export function frames(presentation, characters = FRAME_CHARACTERS) {
  const packed = deflateSync(Buffer.from(presentation))
  const check = createHash('sha256').update(packed).digest('hex').slice(0, 8).toUpperCase()
  const text = base45(packed)
  const room = characters - 'YF1:32/32/00000000:'.length
  const count = Math.ceil(text.length / room)
  return Array.from({ length: count }, (_, at) => `YF1:${at + 1}/${count}/${check}:${text.slice(at * room, (at + 1) * room)}`)
}
