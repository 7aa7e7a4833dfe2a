// Reads bar codes beside the page, so that the picture never stands still while a code is looked for.
//
// In: { id, image: ImageData }. Out: { id, codes: [{ text, format }] } or { id, failed: true }; { ready: true } once.
import { prepareZXingModule, readBarcodes } from './zxing-wasm-3.1.4/reader/index.js'

const PROGRAM = new URL('./zxing-wasm-3.1.4/reader/zxing_reader.wasm', import.meta.url).href

/** A boarding pass is Aztec, PDF417 or QR (IATA Resolution 792); what a wallet shows is QR. */
const OPTIONS = { formats: ['QRCode', 'Aztec', 'PDF417'], tryHarder: true, tryInvert: true, maxNumberOfSymbols: 2 }

const prepared = prepareZXingModule({ overrides: { locateFile: () => PROGRAM }, fireImmediately: true })
prepared.then(() => postMessage({ ready: true }), () => postMessage({ failed: true }))

addEventListener('message', async ({ data: { id, image } }) => {
  try {
    const found = await readBarcodes(image, OPTIONS)
    postMessage({ id, codes: found.filter(({ isValid }) => isValid).map(({ text, format }) => ({ text, format })) })
  } catch {
    postMessage({ id, failed: true })
  }
})
