// What Remotion bundles: one composition, whose size and length are those of the spec it is handed.
import { createElement as h } from "react";
import { Composition, registerRoot } from "remotion";
import { Clip } from "./clip.js";

const measures = ({ props: { spec } }) => ({ width: spec.width, height: spec.height, fps: spec.fps, durationInFrames: spec.frames });
const Root = () => h(Composition, { id: "clip", component: Clip, calculateMetadata: measures, defaultProps: { spec: null } });

registerRoot(Root);
