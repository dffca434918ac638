export { ObjectView } from './object-view.ts'
