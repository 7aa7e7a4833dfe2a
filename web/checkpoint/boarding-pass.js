// What the page itself reads of a boarding pass, to show the officer which one is at hand. The service reads it whole.

/** Whether a bar code is a boarding pass (IATA Resolution 792: format code M, and the number of legs). */
export const isBoardingPass = (text) => /^M[1-4][A-Z]/.test(text) && text.length >= 58

/** Name, flight and seat of the first leg, by the fixed places of the mandatory items. */
export function summary(text) {
  const at = (from, to) => text.slice(from, to).trim()
  const number = at(39, 44).replace(/^0+/, '')
  return {
    passenger: at(2, 22).replace('/', ' / '),
    from: at(30, 33),
    to: at(33, 36),
    flight: `${at(36, 39)}${number}`,
    seat: at(48, 52).replace(/^0+/, ''),
  }
}

/** Carrier and number of a flight as people write it (`CZ 3456`, `3U8888`); null for anything else. */
export function flightOf(text) {
  const found = /^([A-Z][A-Z\d]|\d[A-Z])\s?0*(\d{1,4}[A-Z]?)$/.exec(text.trim().toUpperCase())
  return found && { carrier: found[1], number: found[2] }
}
