// Keeps the screen on while somebody may be at the gate, where the browser can.

let lock = null
let wanted = false

async function take() {
  if (!wanted || lock || document.visibilityState !== 'visible') return
  try {
    const taken = await navigator.wakeLock?.request('screen')
    if (!taken) return
    lock = taken
    lock.addEventListener('release', () => { lock = null })
    if (!wanted) await lock.release()
  } catch { /* a device that saves power may refuse */ }
}

addEventListener('visibilitychange', take)

/** Whether the screen is to stay on. */
export function stayAwake(on) {
  wanted = on
  if (on) take()
  else lock?.release().catch(() => {})
}
