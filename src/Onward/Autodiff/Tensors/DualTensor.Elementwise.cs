using System.Numerics;
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
    public DualTensor<T> Log() => Elementwise(Pointwise.Log, (x, y) => x.Map((v, slope) => TensorPrimitives.Divide(T.One, v, slope)));

    /// <summary>tanh x; elementwise, f' = 1 - y².</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Tanh() => Elementwise(Pointwise.Tanh, (x, y) => y.Map((v, slope) =>
    {
        TensorPrimitives.Multiply(v, v, slope);
        TensorPrimitives.Subtract(T.One, slope, slope);
    }));

    /// <summary>Logistic function 1 / (1 + exp(-x)); elementwise, f' = y (1 - y).</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Sigmoid() => Elementwise(Pointwise.Sigmoid, (x, y) => y.Map((v, slope) =>
    {
        TensorPrimitives.Subtract(T.One, v, slope);
        TensorPrimitives.Multiply(v, slope, slope);
    }));

    /// <summary>max(x, 0); elementwise, f' = 1 where x > 0, and 0 elsewhere, including x = 0.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Relu() =>
        Elementwise((x, y) => TensorPrimitives.Max(x, T.Zero, y), (x, y) => x.Map((v, slope) => Step(v, T.Zero, slope)));

    /// <summary>|x|; elementwise, f' = sign of x, and 0 at x = 0.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Abs() => Elementwise(TensorPrimitives.Abs, (x, y) => x.Map((v, slope) => Step(v, -T.One, slope)));

    /// <summary>Square root of x; elementwise, f' = 1 / (2 y).</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Sqrt() => Elementwise(TensorPrimitives.Sqrt, (x, y) => y.Map((v, slope) =>
    {
        TensorPrimitives.Multiply(v, Two, slope);
        TensorPrimitives.Divide(T.One, slope, slope);
    }));

    /// <summary>x²; elementwise, f' = 2 x.</summary>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Square() => Elementwise(
        (x, y) => TensorPrimitives.Multiply(x, x, y), (x, y) => x.Map((v, slope) => TensorPrimitives.Multiply(v, Two, slope)));

    /// <summary>x^p; elementwise, f' = p x^(p - 1), and 0 for p = 0.</summary>
    /// <param name="exponent">The constant p.</param>
    /// <returns>A tensor of the same shape.</returns>
    public DualTensor<T> Power(T exponent) => Elementwise(
        (x, y) => Power(x, exponent, T.One, y),
        (x, y) => exponent == T.Zero ? DenseArray<T>.Zeros(x.Shape) : x.Map((v, slope) => Power(v, exponent - T.One, exponent, slope)));

    // factor x^p, one number at a time, so that a result does not depend on its position.
    private static void Power(ReadOnlySpan<T> x, T exponent, T factor, Span<T> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = factor * T.Pow(x[i], exponent);
        }
    }

    // 1 where x > 0, the given number where x < 0, and 0 elsewhere.
    private static void Step(ReadOnlySpan<T> x, T below, Span<T> y)
    {
        int i = 0;
        for (; i <= x.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            Vector<T> v = new(x[i..]);
            Vector<T> up = Vector.GreaterThan(v, Vector<T>.Zero) & Vector<T>.One;
            (up | (Vector.LessThan(v, Vector<T>.Zero) & new Vector<T>(below))).CopyTo(y[i..]);
        }

        for (; i < x.Length; i++)
        {
            y[i] = x[i] > T.Zero ? T.One : x[i] < T.Zero ? below : T.Zero;
        }
    }
}
