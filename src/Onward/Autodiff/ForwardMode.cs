using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// Jacobian-vector products: the derivative of a function at x along v, J v = lim (f(x + h v) - f(x)) / h for h to 0. It is
/// computed together with the value in one forward sweep (forward mode).
/// </summary>
/// <remarks>Tensors of the framework cannot have rank 0, so a scalar result is returned as [1].</remarks>
public static class ForwardMode
{
    /// <summary>Computes the value and the derivative along one direction.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="f">The function. Everything that it uses besides its input is treated as constant.</param>
    /// <param name="x">The input.</param>
    /// <param name="v">The direction, with the shape of <paramref name="x"/>.</param>
    /// <returns>f(x) and J v, both with the shape of f's result.</returns>
    /// <exception cref="ArgumentException">The shapes of x and v differ.</exception>
    public static (Tensor<T> Value, Tensor<T> Tangent) Jvp<T>(Func<DualTensor<T>, DualTensor<T>> f, Tensor<T> x, Tensor<T> v)
        where T : struct, IFloatingPointIeee754<T>
    {
        (Tensor<T> value, IReadOnlyList<Tensor<T>> tangents) = JvpAlongEach(f, x, [v]);
        return (value, tangents[0]);
    }

    /// <summary>Computes the value and the derivatives along several directions. The value is computed only once.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="f">The function. Everything that it uses besides its input is treated as constant.</param>
    /// <param name="x">The input.</param>
    /// <param name="directions">At least one direction, each with the shape of <paramref name="x"/>.</param>
    /// <returns>f(x) and one J v for each direction.</returns>
    /// <exception cref="ArgumentException">There are no directions, or one has another shape than x.</exception>
    public static (Tensor<T> Value, IReadOnlyList<Tensor<T>> Tangents) JvpAlongEach<T>(
        Func<DualTensor<T>, DualTensor<T>> f, Tensor<T> x, IReadOnlyList<Tensor<T>> directions)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(directions);
        if (directions.Count == 0)
        {
            throw new ArgumentException(
                "A derivative is taken along at least one direction; for the value alone, call the function.", nameof(directions));
        }

        DualTensor<T> y = f(Pair(x, directions, "the input"));
        return (y.ToTensor(), [.. Enumerable.Range(0, directions.Count).Select(d => y.TangentOrZero(d).ToTensor())]);
    }

    /// <summary>Computes the value and the derivative along one direction in all inputs together.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="f">The function of a list of inputs.</param>
    /// <param name="x">The inputs.</param>
    /// <param name="v">The direction: for each input a tensor of its shape, or null for zero.</param>
    /// <returns>f(x) and J v, both with the shape of f's result.</returns>
    /// <exception cref="ArgumentException">The lists or the shapes of x and v do not match.</exception>
    public static (Tensor<T> Value, Tensor<T> Tangent) Jvp<T>(
        Func<IReadOnlyList<DualTensor<T>>, DualTensor<T>> f, IReadOnlyList<Tensor<T>> x, IReadOnlyList<Tensor<T>?> v)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(v);
        if (x.Count != v.Count)
        {
            throw new ArgumentException(
                $"A direction has one tensor for each input: {x.Count} inputs, {v.Count} tangents. Give null where the direction is zero.",
                nameof(v));
        }

        DualTensor<T> y = f([.. x.Zip(v, (value, tangent) => PairOrConstant(value, tangent, "an input"))]);
        return (y.ToTensor(), y.TangentOrZero(0).ToTensor());
    }

    /// <summary>Computes the value and the derivative along one direction in all named inputs together.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="f">The function of inputs by name.</param>
    /// <param name="x">The inputs by name.</param>
    /// <param name="v">The direction: for each name a tensor of the input's shape, or null for zero.</param>
    /// <returns>f(x) and J v, both with the shape of f's result.</returns>
    /// <exception cref="ArgumentException">The names or the shapes of x and v do not match.</exception>
    public static (Tensor<T> Value, Tensor<T> Tangent) Jvp<T>(
        Func<IReadOnlyDictionary<string, DualTensor<T>>, DualTensor<T>> f,
        IReadOnlyDictionary<string, Tensor<T>> x,
        IReadOnlyDictionary<string, Tensor<T>?> v)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(v);
        if (!x.Keys.ToHashSet().SetEquals(v.Keys))
        {
            throw new ArgumentException(
                $"A direction has the names of the inputs; inputs: {Names(x.Keys)}; tangents: {Names(v.Keys)}. "
                + "Give null where the direction is zero.",
                nameof(v));
        }

        DualTensor<T> y = f(x.ToDictionary(input => input.Key, input => PairOrConstant(input.Value, v[input.Key], $"'{input.Key}'")));
        return (y.ToTensor(), y.TangentOrZero(0).ToTensor());
    }

    /// <summary>Evaluates a loss or network that was written for an estimator, without noise and without tangents.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="f">The function of the sweep, for example one that returns logits.</param>
    /// <param name="parameters">The parameters by name.</param>
    /// <returns>The value, with the shape of f's result.</returns>
    public static Tensor<T> Evaluate<T>(Func<ForwardSweep<T>, DualTensor<T>> f, IReadOnlyDictionary<string, Tensor<T>> parameters)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(parameters);
        return f(new WeightSweep<T>(parameters, new SweepNoise(NoiseDistribution.Gaussian, Passes: 0, default))).ToTensor();
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.Ordinal));

    private static DualTensor<T> PairOrConstant<T>(Tensor<T> x, Tensor<T>? v, string name)
        where T : struct, IFloatingPointIeee754<T> => v is null ? DualTensor.Constant(x) : Pair(x, [v], name);

    private static DualTensor<T> Pair<T>(Tensor<T> x, IReadOnlyList<Tensor<T>> directions, string name)
        where T : struct, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(x);
        DenseArray<T> value = DenseArray<T>.From(x);
        DenseArray<T>[] tangents = [.. directions.Select(DenseArray<T>.From)];
        foreach (DenseArray<T> tangent in tangents)
        {
            if (!tangent.Shape.AsSpan().SequenceEqual(value.Shape))
            {
                throw new ArgumentException(
                    $"A tangent has the shape of its value; {name} is {Shapes.Text(value.Shape)}, "
                    + $"its tangent {Shapes.Text(tangent.Shape)}. Draw the direction from the value's shape.",
                    nameof(directions));
            }
        }

        return new(value, tangents);
    }
}
