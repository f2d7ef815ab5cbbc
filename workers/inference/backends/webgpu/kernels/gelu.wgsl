/** The tanh approximation of GELU: √(2/π) (g + 0.044715 g³), clamped to where tanh is exact on every GPU. */
fn gelu(g: f32) -> f32 {
  let t = clamp(0.7978845608028654 * (g + 0.044715 * g * g * g), -12.0, 12.0);
  return 0.5 * g * (1.0 + tanh(t));
}
