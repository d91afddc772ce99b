/// <reference types="vite/client" />

declare module "virtual:digits" {
  const csv: string;
  export default csv;
}
