using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

public sealed partial class DualTensor<T>
{
    private static readonly T Two = T.One + T.One;

    /// <summary>exp x; elementwise, f' = y.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Exp() => Elementwise(Pointwise.Exp, (x, y) => y);

    /// <summary>Natural logarithm of x; elementwise, f' = 1 / x.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Log() => Elementwise(Pointwise.Log, (x, y) => T.One / x);

    /// <summary>tanh x; elementwise, f' = 1 - y².</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Tanh() => Elementwise(Pointwise.Tanh, (x, y) => T.One - (y * y));

    /// <summary>Logistic function 1 / (1 + exp(-x)); elementwise, f' = y (1 - y).</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Sigmoid() => Elementwise(Pointwise.Sigmoid, (x, y) => y * (T.One - y));

    /// <summary>max(x, 0); elementwise, f' = 1 where x > 0, and 0 elsewhere, including x = 0.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Relu() => Elementwise((x, y) => TensorPrimitives.Max(x, T.Zero, y), (x, y) => x > T.Zero ? T.One : T.Zero);

    /// <summary>|x|; elementwise, f' = sign of x, and 0 at x = 0.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Abs() => Elementwise(TensorPrimitives.Abs, (x, y) => x > T.Zero ? T.One : x < T.Zero ? -T.One : T.Zero);

    /// <summary>Square root of x; elementwise, f' = 1 / (2 y).</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Sqrt() => Elementwise(TensorPrimitives.Sqrt, (x, y) => T.One / (Two * y));

    /// <summary>x²; elementwise, f' = 2 x.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Square() => Elementwise((x, y) => TensorPrimitives.Multiply(x, x, y), (x, y) => Two * x);

    /// <summary>x^p; elementwise, f' = p x^(p - 1), and 0 for p = 0.</summary>
    /// <param name="exponent">The constant p.</param>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Power(T exponent) => Elementwise(
        (x, y) => Power(x, exponent, y),
        (x, y) => exponent == T.Zero ? T.Zero : exponent * T.Pow(x, exponent - T.One));

    // Computed one number at a time, so that a result does not depend on its position.
    private static void Power(ReadOnlySpan<T> x, T exponent, Span<T> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = T.Pow(x[i], exponent);
        }
    }
}
