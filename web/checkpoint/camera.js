// The camera, and the reader of bar codes that looks at its pictures.

/** The longer side of a picture that is looked at. Enough for a full QR code held at arm's length. */
const LONGEST = 1280
/** A picture a tenth of a second is enough for a person's hands, and leaves a phone cool. */
const PAUSE_MS = 60

const WORKER = '/assets/checkpoint/scan-worker.js'

/** Only this one address may become a worker (Trusted Types). */
const policy = globalThis.trustedTypes?.createPolicy('yufu-worker', {
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError('not the worker')
    return address
  },
})

/** Why a camera gives nothing: `denied`, `missing`, `busy`. */
export class NoCamera extends Error {
  constructor(kind) {
    super(kind)
    this.kind = kind
  }
}

const WHY = { NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'missing', OverconstrainedError: 'missing' }

/** Reads bar codes in a worker, one picture at a time. */
class Reader {
  #worker = new Worker(policy?.createScriptURL(WORKER) ?? WORKER, { type: 'module' })
  #waiting = null
  #number = 0

  constructor(failed) {
    this.#worker.addEventListener('error', failed)
    this.#worker.addEventListener('message', ({ data }) => {
      if (data.failed && data.id === undefined) return failed()
      if (data.id !== this.#number) return
      this.#waiting?.(data.codes ?? [])
      this.#waiting = null
    })
  }

  /** The codes in a picture. */
  read(image) {
    const id = ++this.#number
    return new Promise((done) => {
      this.#waiting = done
      this.#worker.postMessage({ id, image }, [image.data.buffer])
    })
  }

  end() { this.#worker.terminate() }
}

/** A camera that reads. `found` is called with each text that is read, `failed` when the reader cannot run. */
export class Camera {
  #video
  #found
  #stream = null
  #reader
  #running = false
  #canvas = document.createElement('canvas')
  #failed = false

  constructor(video, found, failed) {
    this.#video = video
    this.#found = found
    this.#reader = new Reader(() => {
      if (this.#failed) return
      this.#failed = true
      failed()
    })
  }

  /** Opens the camera that looks away from the officer, or the one of this id. */
  async start(deviceId) {
    this.#halt()
    if (!navigator.mediaDevices?.getUserMedia) throw new NoCamera('missing')
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: 'environment' } }
    const size = { width: { ideal: 1920 }, height: { ideal: 1080 } }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...which, ...size } })
    } catch (error) {
      throw new NoCamera(WHY[error?.name] ?? 'busy')
    }
    this.#video.srcObject = this.#stream
    await this.#video.play().catch(() => {})
    this.#running = true
    this.#look(this.#stream)
  }

  /** The cameras there are; more than one can be changed between. */
  async all() {
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => [])
    return devices.filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId).map(({ deviceId }) => deviceId)
  }

  get deviceId() { return this.#stream?.getVideoTracks()[0]?.getSettings().deviceId }

  get hasTorch() { return this.#stream?.getVideoTracks()[0]?.getCapabilities?.().torch === true }

  light(on) { return this.#stream?.getVideoTracks()[0]?.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {}) }

  end() {
    this.#halt()
    this.#reader.end()
  }

  #halt() {
    this.#running = false
    this.#stream?.getTracks().forEach((track) => track.stop())
    this.#stream = null
    this.#video.srcObject = null
  }

  async #look(stream) {
    const context = this.#canvas.getContext('2d', { willReadFrequently: true })
    while (this.#running && stream === this.#stream) {
      const { videoWidth, videoHeight } = this.#video
      if (videoWidth > 0) {
        const scale = Math.min(1, LONGEST / Math.max(videoWidth, videoHeight))
        this.#canvas.width = Math.round(videoWidth * scale)
        this.#canvas.height = Math.round(videoHeight * scale)
        context.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height)
        const codes = await this.#reader.read(context.getImageData(0, 0, this.#canvas.width, this.#canvas.height))
        if (!this.#running || stream !== this.#stream) return
        for (const { text } of codes) this.#found(text)
      }
      await new Promise((done) => setTimeout(done, PAUSE_MS))
    }
  }
}
