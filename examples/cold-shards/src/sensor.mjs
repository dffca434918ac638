const HOURS_APART = 1

/**
 * Made-up temperatures of one year, every hour.
 *
 * @param {string} year
 * @returns {Generator<[time: string, { celsius: number }]>}
 */
export function* temperaturesOf(year) {
  const end = Date.UTC(Number(year) + 1, 0)
  for (let time = Date.UTC(Number(year), 0); time < end; time += HOURS_APART * 3_600_000) {
    const date = new Date(time)
    const season = -Math.cos((2 * Math.PI * (time - Date.UTC(Number(year), 0))) / (365 * 86_400_000))
    const daytime = -Math.cos((2 * Math.PI * date.getUTCHours()) / 24)
    yield [
      date.toISOString().slice(0, 13),
      { celsius: Math.round((10 + 12 * season + 4 * daytime) * 10) / 10 }
    ]
  }
}
