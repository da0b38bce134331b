using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>
/// A dual number for tensors (forward-mode differentiation): a value [shape] and its derivatives along any number of
/// directions, the tangents, each [shape].
/// </summary>
/// <remarks>
/// <para>
/// Every operation computes its value once and applies its derivative rule to each tangent. A tensor without tangents is a constant:
/// its tangents are zero and cost nothing. Instances are immutable. Axes are counted from 0, or from the end if negative.
/// Shapes broadcast as in NumPy: aligned at the last axis, sizes are equal, or one of them is 1 or missing.
/// </para>
/// <para>
/// There are three kinds of rules, and the documentation of each operation names its kind. Linear: the operation is applied to the
/// tangent. Bilinear: the operation is applied to each factor's tangent with the other factor's value, and the results are
/// added. Elementwise: the tangent is multiplied by f'. Operations without a kind are composed of others. Tensors of different
/// sweeps must not be combined, so derivatives of derivatives are not available.
/// </para>
/// <para>
/// Each rule is a linear map of the tangent and is stored with its transpose. Under the estimators that send errors back
/// (<see cref="BackpropagationEstimator{T}"/>), tensors have no tangents. Their operations are recorded instead, and the
/// error of the loss passes through the transposes in reverse order.
/// </para>
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed partial class DualTensor<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly DenseArray<T> _value;
    private readonly DenseArray<T>[] _tangents;
    private readonly TapeEntry<T>? _entry;

    internal DualTensor(DenseArray<T> value, params DenseArray<T>[] tangents)
    {
        _value = value;
        _tangents = tangents;
    }

    /// <summary>Creates the first tensor of a computation on a tape: it receives an error and sends none.</summary>
    internal DualTensor(DenseArray<T> value, Tape<T> tape)
        : this(value, [], tape.Record(value.Shape))
    {
    }

    private DualTensor(DenseArray<T> value, DenseArray<T>[] tangents, TapeEntry<T>? entry)
    {
        _value = value;
        _tangents = tangents;
        _entry = entry;
    }

    /// <summary>Sizes of the axes; empty for a scalar.</summary>
    public ReadOnlySpan<int> Shape => _value.Shape;

    /// <summary>The numbers of the value, row-major.</summary>
    public ReadOnlySpan<T> Values => _value.Values;

    /// <summary>Number of tangents. It is 0 for a constant, and under estimators that send errors back.</summary>
    public int Directions => _tangents.Length;

    internal DenseArray<T> Value => _value;

    /// <summary>The tensor's entry on the tape; null if it is not recorded, or if the tape was already walked back.</summary>
    internal TapeEntry<T>? Recorded => _entry?.Tape is null ? null : _entry;

    /// <summary>The error received by a tensor at the start of a tape; null if none was received.</summary>
    internal DenseArray<T>? Error => _entry?.Error;

    /// <summary>The derivative along one direction, row-major.</summary>
    /// <param name="direction">Index of the direction, below <see cref="Directions"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such direction; a constant has none.</exception>
    public ReadOnlySpan<T> Tangent(int direction) => direction >= 0 && direction < _tangents.Length
        ? _tangents[direction].Values
        : throw new ArgumentOutOfRangeException(
            nameof(direction),
            direction,
            $"This tensor carries {_tangents.Length} tangents; one without tangents is a constant, whose derivative is 0.");

    /// <summary>Copies the value. A scalar becomes [1], because tensors of the framework cannot have rank 0.</summary>
    /// <returns>The value without tangents.</returns>
    public Tensor<T> ToTensor() => _value.ToTensor();

    /// <summary>Returns the value as a constant: nothing is differentiated through it.</summary>
    /// <returns>The tensor without tangents.</returns>
    public DualTensor<T> StopGradient() => Directions == 0 && _entry is null ? this : new(_value);

    /// <summary>The shape and the number of tangents, for messages and debuggers.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => $"{Shapes.Text(Shape)} with {Directions} tangents";

    /// <summary>The tangent along a direction; zeros for a constant.</summary>
    internal DenseArray<T> TangentOrZero(int direction) => Directions == 0 ? DenseArray<T>.Zeros(Shape) : _tangents[direction];

    /// <summary>Adds noise to the tangents, one array [shape] for each direction.</summary>
    internal DualTensor<T> Perturb(DenseArray<T>[] noise) =>
        Pair(this, new(_value, noise), _value, LinearMap<T>.Identity, LinearMap<T>.Identity);

    /// <summary>Joins tensors along an axis; linear. The caller has checked the shapes.</summary>
    internal static DualTensor<T> Join(ReadOnlySpan<DualTensor<T>> parts, int axis, int[] shape)
    {
        DualTensor<T>[] all = parts.ToArray();
        (DualTensor<T>, Func<DenseArray<T>, DenseArray<T>>)[] inputs = new (DualTensor<T>, Func<DenseArray<T>, DenseArray<T>>)[all.Length];
        int directions = 0, end = 0;
        for (int i = 0; i < all.Length; i++)
        {
            directions = CommonDirections(directions, all[i].Directions);
            int start = end, length = all[i].Shape[axis];
            inputs[i] = (all[i], u => u.Slice(axis, start, length));
            end += length;
        }

        return new(
            DenseArray<T>.Concatenate([.. all.Select(part => part._value)], axis, shape),
            [
                .. Enumerable.Range(0, directions)
                .Select(d => DenseArray<T>.Concatenate([.. all.Select(part => part.TangentOrZero(d))], axis, shape)),
            ],
            Record(shape, inputs));
    }

    // y = L x: dy = L dx.
    private DualTensor<T> Linear(LinearMap<T> map)
    {
        DenseArray<T> value = map.Apply(_value);
        return new(value, Array.ConvertAll(_tangents, map.Apply.Invoke), Record(value.Shape, (this, map.Transpose)));
    }

    // y = f(x): dy = f'(x) dx, where f' is computed from x and y.
    private DualTensor<T> Elementwise(ElementwiseKernel<T> f, Func<DenseArray<T>, DenseArray<T>, DenseArray<T>> derivative)
    {
        DenseArray<T> value = _value.Map(f);
        if (Directions == 0 && Recorded is null)
        {
            return new(value);
        }

        LinearMap<T> map = LinearMap<T>.Times(derivative(_value, value));
        return new(value, Array.ConvertAll(_tangents, map.Apply.Invoke), Record(value.Shape, (this, map.Transpose)));
    }

    // z = f(x, y): dz = onLeft(dx) + onRight(dy), both linear.
    private static DualTensor<T> Pair(DualTensor<T> x, DualTensor<T> y, DenseArray<T> value, LinearMap<T> onLeft, LinearMap<T> onRight)
    {
        CommonDirections(x.Directions, y.Directions);
        DenseArray<T>[] left = Array.ConvertAll(x._tangents, onLeft.Apply.Invoke);
        DenseArray<T>[] right = Array.ConvertAll(y._tangents, onRight.Apply.Invoke);
        return new(
            value,
            left.Length == 0 ? right : right.Length == 0 ? left : [.. left.Zip(right, (l, r) => l + r)],
            Record(value.Shape, (x, onLeft.Transpose), (y, onRight.Transpose)));
    }

    // Records a result on the tape of its inputs. Returns null, and keeps nothing, if no input is recorded.
    private static TapeEntry<T>? Record(
        int[] shape, params ReadOnlySpan<(DualTensor<T> Tensor, Func<DenseArray<T>, DenseArray<T>> Transpose)> inputs)
    {
        Tape<T>? tape = null;
        List<TapeInput<T>>? recorded = null;
        foreach ((DualTensor<T> tensor, Func<DenseArray<T>, DenseArray<T>> transpose) in inputs)
        {
            if (tensor.Recorded is { } entry)
            {
                tape ??= entry.Tape;
                (recorded ??= []).Add(entry.Tape == tape ? new(entry, transpose) : throw new InvalidOperationException(
                        "Tensors of one sweep are recorded together; these were recorded in two. "
                        + "One of them is probably kept from another sweep: stop its gradient."));
            }
        }

        return recorded is null ? null : tape!.Record(shape, [.. recorded]);
    }

    private static int CommonDirections(int left, int right) => left == 0 || right == 0 || left == right
        ? Math.Max(left, right)
        : throw new InvalidOperationException(
            $"Tensors of one sweep carry the same directions; these carry {left} and {right}. "
            + "One of them is probably kept from another sweep: stop its gradient.");
}
