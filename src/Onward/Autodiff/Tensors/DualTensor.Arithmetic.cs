using System.Diagnostics.CodeAnalysis;

namespace Onward.Autodiff;

[SuppressMessage("Usage", "CA2225", Justification = "Formulas are written with operators; a second name for each would not help.")]
public sealed partial class DualTensor<T>
{
    /// <summary>Converts a number to a constant of shape [], so that formulas may contain numbers.</summary>
    /// <param name="number">The constant.</param>
    public static implicit operator DualTensor<T>(T number) => new(new DenseArray<T>([], [number]));

    /// <summary>-x; linear.</summary>
    /// <param name="x">The tensor.</param>
    public static DualTensor<T> operator -(DualTensor<T> x) => Require(x).Linear(new(v => -v, u => -u));

    /// <summary>x + y, broadcast; linear.</summary>
    /// <param name="x">First term.</param>
    /// <param name="y">Second term.</param>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static DualTensor<T> operator +(DualTensor<T> x, DualTensor<T> y)
    {
        DenseArray<T> sum = Require(x)._value + Require(y)._value;
        int[] shape = sum.Shape;
        LinearMap<T> broadcast = new(v => v.Expand(shape), u => u);
        return Pair(x, y, sum, broadcast, broadcast);
    }

    /// <summary>x - y, broadcast; linear.</summary>
    /// <param name="x">First term.</param>
    /// <param name="y">Second term.</param>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static DualTensor<T> operator -(DualTensor<T> x, DualTensor<T> y)
    {
        DenseArray<T> difference = Require(x)._value - Require(y)._value;
        int[] shape = difference.Shape;
        return Pair(x, y, difference, new(dx => dx.Expand(shape), u => u), new(dy => -dy.Expand(shape), u => -u));
    }

    /// <summary>x y, elementwise, broadcast; bilinear.</summary>
    /// <param name="x">First factor.</param>
    /// <param name="y">Second factor.</param>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static DualTensor<T> operator *(DualTensor<T> x, DualTensor<T> y) =>
        Pair(x, y, Require(x)._value * Require(y)._value, LinearMap<T>.Times(y._value), LinearMap<T>.Times(x._value));

    /// <summary>q = x / y, elementwise, broadcast; dq = dx / y - (q / y) dy.</summary>
    /// <param name="x">Numerator.</param>
    /// <param name="y">Denominator.</param>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static DualTensor<T> operator /(DualTensor<T> x, DualTensor<T> y)
    {
        DenseArray<T> divisor = Require(y)._value, quotient = Require(x)._value / divisor;
        return Pair(
            x,
            y,
            quotient,
            new(dx => dx / divisor, u => u / divisor),
            new(dy => -(quotient / divisor * dy), u => -(quotient / divisor * u)));
    }

    /// <summary>Matrix product over the last two axes; bilinear.</summary>
    /// <param name="right">Right factor [..., k, n]; this tensor is [..., m, k]. Leading axes broadcast.</param>
    /// <returns>The product [..., m, n].</returns>
    /// <exception cref="ArgumentException">The inner sizes differ, a factor has less than two axes, or leading axes do not
    /// broadcast.</exception>
    public DualTensor<T> MatMul(DualTensor<T> right) => MatMul(right, feedback: null);

    /// <summary>
    /// Matrix product whose error goes back to the left factor through a feedback matrix [n, k] instead of the transposed right
    /// factor. Null for the transpose.
    /// </summary>
    internal DualTensor<T> MatMul(DualTensor<T> right, DenseArray<T>? feedback)
    {
        ArgumentNullException.ThrowIfNull(right);
        if (Shape.Length < 2 || right.Shape.Length < 2 || Shape[^1] != right.Shape[^2])
        {
            throw new ArgumentException(
                $"A matrix product takes [..., m, k] and [..., k, n]; got {Shapes.Text(Shape)} and {Shapes.Text(right.Shape)}. "
                + "Transpose one of them, or reshape a vector to a matrix of one row or column.",
                nameof(right));
        }

        DenseArray<T> x = _value, w = right._value;
        return Pair(
            this,
            right,
            x.MatMul(w),
            new(dx => dx.MatMul(w), u => u.MatMul(feedback ?? w.TransposeMatrices())),
            new(dw => x.MatMul(dw), u => x.MatMulBack(u, oneMatrix: w.Shape.Length == 2)));
    }

    private static DualTensor<T> Require(DualTensor<T> operand)
    {
        ArgumentNullException.ThrowIfNull(operand);
        return operand;
    }
}
