// The three decisions by ear and by hand: told apart by rhythm as well as by pitch.

const KEPT = 'yufu.checkpoint.sound'

/** Tones: [start, length, hertz]. Seconds. Up and short; low, long and twice; three even knocks between. */
const TONES = {
  accepted: [[0, 0.09, 660], [0.1, 0.16, 990]],
  refused: [[0, 0.28, 196], [0.36, 0.42, 147]],
  undetermined: [[0, 0.11, 440], [0.2, 0.11, 440], [0.4, 0.11, 440]],
}
const SHAPES = { accepted: 'sine', refused: 'square', undetermined: 'triangle' }
const VIBRATIONS = { accepted: [60], refused: [350, 80, 350], undetermined: [90, 90, 90, 90, 90] }
const LOUDNESS = 0.22

let context = null
let on = true
try { on = localStorage.getItem(KEPT) !== 'off' } catch { /* sounds */ }

export const isOn = () => on

export function toggle() {
  on = !on
  try { localStorage.setItem(KEPT, on ? 'on' : 'off') } catch { /* for this visit */ }
  if (on) play('accepted')
}

/** Browsers let a page sound only after a person did something on it. */
export function wake() {
  const Context = globalThis.AudioContext ?? globalThis.webkitAudioContext
  if (!Context) return
  context ??= new Context()
  if (context.state === 'suspended') context.resume().catch(() => {})
}

export function play(decision) {
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(VIBRATIONS[decision])
  if (!on || !context) return
  for (const [start, length, hertz] of TONES[decision]) {
    const tone = context.createOscillator()
    const gain = context.createGain()
    tone.type = SHAPES[decision]
    tone.frequency.value = hertz
    const at = context.currentTime + 0.02 + start
    gain.gain.setValueAtTime(0, at)
    gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.012)
    gain.gain.setValueAtTime(LOUDNESS, at + length - 0.03)
    gain.gain.linearRampToValueAtTime(0, at + length)
    tone.connect(gain).connect(context.destination)
    tone.start(at)
    tone.stop(at + length)
  }
}
