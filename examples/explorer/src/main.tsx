import { render } from "preact";
import { App } from "./app.tsx";
import { watchDifferences } from "./difference.ts";
import { loadAll } from "./goTo.ts";
import { startNavigation } from "./navigate.ts";
import "./styles.css";

startNavigation();
const place = document.querySelector("#app");
if (place) render(<App />, place);
watchDifferences();
addEventListener("beforeprint", () => void loadAll());
