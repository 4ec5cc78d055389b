/* A frame on another site keeps nothing on the reader's device: htmx would write to the session's storage as it loads. */
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("A frame keeps nothing here.", "SecurityError"); } });
}
