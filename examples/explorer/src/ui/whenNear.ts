/** Calls once when the element comes near the screen: the first view does not wait for the last one. */
export function whenNear(element: Element, call: () => Promise<void>): () => void {
  const watch = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      watch.disconnect();
      void call();
    },
    { rootMargin: "250px" },
  );
  watch.observe(element);
  return () => watch.disconnect();
}
