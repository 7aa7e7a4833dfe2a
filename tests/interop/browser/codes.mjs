// Codes for tests: written as a wallet or an airline would, filmed for the browser's fake camera, and read from a picture.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { prepareZXingModule, readBarcodes, writeBarcode } from 'zxing-wasm'

const program = createRequire(import.meta.url).resolve('zxing-wasm/full/zxing_full.wasm')
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(readFileSync(program)).buffer } })

/** The fake camera's picture: YUV 4:2:0, as Chromium's --use-file-for-fake-video-capture takes it. */
const WIDTH = 640
const HEIGHT = 480
const FRAMES_A_SECOND = 20
const PAPER = 235
const INK = 30

/** One picture with a code in its middle, as brightness. */
async function picture({ text, format = 'QRCode' }) {
  const { symbol } = await writeBarcode(text, { format, scale: 1, addQuietZones: true })
  const scale = Math.max(1, Math.floor(Math.min((WIDTH - 20) / symbol.width, (HEIGHT - 20) / symbol.height)))
  const [left, top] = [Math.floor((WIDTH - symbol.width * scale) / 2), Math.floor((HEIGHT - symbol.height * scale) / 2)]
  const brightness = Buffer.alloc(WIDTH * HEIGHT, PAPER)
  for (let y = 0; y < symbol.height * scale; y += 1) {
    for (let x = 0; x < symbol.width * scale; x += 1) {
      const dark = symbol.data[Math.floor(y / scale) * symbol.width + Math.floor(x / scale)] < 128
      if (dark) brightness[(top + y) * WIDTH + left + x] = INK
    }
  }
  return brightness
}

/** Films codes one after the other, each for `seconds`; the browser shows the film again and again. */
export async function film(path, codes, seconds = 0.35) {
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n`)]
  const grey = Buffer.alloc((WIDTH * HEIGHT) / 2, 128)
  const begin = Buffer.from('FRAME\n')
  for (const code of codes) {
    const brightness = await picture(code)
    for (let count = 0; count < Math.ceil(seconds * FRAMES_A_SECOND); count += 1) parts.push(begin, brightness, grey)
  }
  writeFileSync(path, Buffer.concat(parts))
}

/** A picture without any code. */
export const blankFilm = (path) => {
  const frame = [Buffer.from('FRAME\n'), Buffer.alloc(WIDTH * HEIGHT, PAPER), Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]
  writeFileSync(path, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n`), ...frame, ...frame]))
}

/** The texts of the QR codes in a picture (PNG), as a phone held to the screen would read them. */
export async function read(png) {
  const found = await readBarcodes(new Uint8Array(png), { formats: ['QRCode'], tryHarder: true })
  return found.filter(({ isValid }) => isValid).map(({ text }) => text)
}
