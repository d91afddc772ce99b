/** The page, from top to bottom. */
import type { JSX } from "preact";
import { Part } from "./later.tsx";
import { PARTS } from "./partNames.ts";
import { First } from "./parts/first.tsx";
import { PartLink } from "./parts/partLink.tsx";
import { Partition } from "./parts/partition.tsx";
import { Questions } from "./parts/questions.tsx";
import { Watch } from "./parts/watch.tsx";
import { notice } from "./state.ts";

export function App(): JSX.Element {
  return (
    <>
      <PartLink to="shared-statistics" class="skip">
        Skip to the norms
      </PartLink>
      <header>
        <div>
          <p class="brand">normgrad</p>
          <h1>Where a norm’s gradient comes from</h1>
          <p class="lead">
            A normalization has three ways back from the loss to its input: <strong class="direct">directly</strong>,{" "}
            <strong class="mean">through the mean</strong> and <strong class="variance">through the variance</strong>.
            Here they are, number by number. Every value is computed in your browser by functions of the library, which
            you can call yourself.
          </p>
        </div>
        <First />
      </header>
      <nav class="parts" aria-label="Parts of this page">
        {PARTS.map(([name, words]) => (
          <PartLink to={name} key={name}>
            {words}
          </PartLink>
        ))}
      </nav>
      <p class="notice" role="alert" hidden={notice.value === ""}>
        {notice.value}
      </p>
      <main>
        <Questions />
        <Partition />
        <Watch />
        <Part
          id="break-it"
          title="Break it"
          lead="One fault is planted in the backward of the norm above. The second map is what it does wrong: each fault leaves a pattern of its own. Which is it?"
          load={async () => (await import("./parts/breakIt.tsx")).BreakIt}
        />
        <Part
          id="tape"
          title="Step the tape"
          lead="The engine writes down what is computed, and walks the list back. For the loss Σ y · gradOutput a norm is one step; opened, its formula is many, and the same gradient arrives."
          load={async () => (await import("./parts/tapeView.tsx")).TapeView}
        />
        <Part
          id="batch-size"
          title="How small may a batch be?"
          lead="BatchNorm’s statistics are those of the batch. In a network without convolutions each of its sets has one value a sample: with a batch of two every x̂ is +1 or −1, whatever the image. GroupNorm does not look at the batch. Two hidden layers learn 400 handwritten digits, in your browser; the learning rate goes with the batch size."
          load={async () => (await import("./parts/training.tsx")).TrainingPart}
        />
        <Part
          id="switchable"
          title="A norm that chooses"
          lead="SwitchableNorm mixes the statistics of an instance, a layer and a batch, a third of each at first. The weights are softmaxes of parameters, which learn like all others: here in a small convolutional network on the same digits."
          load={async () => (await import("./parts/switchable.tsx")).Switchable}
        />
        <Part
          id="own-backward"
          title="Write your own backward"
          lead="A forward as a formula, and a backward as plain loops, of any op. checkOp draws shapes and values, compares with the exact gradient, and says what is probably wrong. The code runs in a worker of your browser and is sent nowhere."
          load={async () => (await import("./parts/ownBackward.tsx")).OwnBackward}
        />
        <Part
          id="adain"
          title="A style is a mean and a variance"
          lead="AdaIN normalizes each channel of the content by its own mean and variance, and gives it those of the style. No pixel moves, but the colours do."
          load={async () => (await import("./parts/adain.tsx")).Adain}
        />
      </main>
      <footer>
        <p>
          Nothing that you enter leaves the browser. The address holds what you see: send it, and the other one sees the
          same.
        </p>
      </footer>
    </>
  );
}
