namespace Onward.Autodiff;

/// <summary>Operations on pairs of arrays, whose shapes broadcast.</summary>
internal sealed partial class DenseArray<T>
{
    // Numbers that a repeated number is written to at a time.
    private const int Repeats = 1024;

    /// <summary>Applies the kernel to each pair of numbers of both arrays, broadcast to their common shape.</summary>
    /// <remarks>
    /// No array is copied to the common shape. The kernel works on runs of the last axes, along which each array either has
    /// consecutive numbers or repeats one.
    /// </remarks>
    public DenseArray<T> Zip(DenseArray<T> other, PairwiseKernel<T> kernel)
    {
        int[] common = Shapes.Broadcast(Shape, other.Shape);
        T[] result = GC.AllocateUninitializedArray<T>(Shapes.Count(common));
        int joined = Math.Min(common.Length, Math.Min(JoinedAxes(Shape, common), JoinedAxes(other.Shape, common)));
        ReadOnlySpan<int> outer = common.AsSpan(0, common.Length - joined);
        Run x = new(this, common, joined), y = new(other, common, joined);
        int run = Shapes.Count(common.AsSpan(outer.Length)), most = x.IsRepeated || y.IsRepeated ? Math.Min(run, Repeats) : run;
        Span<T> repeatedX = x.IsRepeated ? new T[most] : [], repeatedY = y.IsRepeated ? new T[most] : [];
        for (int row = 0, start = 0; start < result.Length; row++)
        {
            ReadOnlySpan<T> xs = x.Row(row, outer, run, repeatedX), ys = y.Row(row, outer, run, repeatedY);
            for (int end = start + run, length; start < end; start += length)
            {
                length = Math.Min(most, end - start);
                kernel(xs[..length], ys[..length], result.AsSpan(start, length));
                xs = x.IsRepeated ? xs : xs[length..];
                ys = y.IsRepeated ? ys : ys[length..];
            }
        }

        return new(common, result);
    }

    // The number of last axes along which an array has all numbers of the common shape, or along which it repeats one number.
    private static int JoinedAxes(int[] shape, int[] common) => Math.Max(LastAxes(shape, common), LastAxes(shape, null));

    // The number of last axes whose size is that of the common shape; without one, whose size is 1.
    private static int LastAxes(int[] shape, int[]? common)
    {
        int axes = 0;
        while (axes < (common ?? shape).Length && axes < shape.Length && shape[^(axes + 1)] == (common is null ? 1 : common[^(axes + 1)]))
        {
            axes++;
        }

        return axes == shape.Length && common is null ? int.MaxValue : axes;
    }

    // One array of a pair, by runs of the last axes.
    private readonly ref struct Run(DenseArray<T> array, int[] common, int joined)
    {
        private readonly ReadOnlySpan<T> _values = array.Values;
        private readonly ReadOnlySpan<int> _outer = array.Shape.AsSpan(0, Math.Max(0, array.Shape.Length - joined));

        /// <summary>True if each run repeats one number.</summary>
        public bool IsRepeated { get; } = LastAxes(array.Shape, common) < joined;

        /// <summary>The numbers of a run, or the memory given, filled with the number that the run repeats.</summary>
        public ReadOnlySpan<T> Row(int row, ReadOnlySpan<int> outer, int run, Span<T> repeated)
        {
            int place = outer.IsEmpty ? 0 : Shapes.Place(row, outer, _outer);
            if (!IsRepeated)
            {
                return _values.Slice(place * run, run);
            }

            repeated.Fill(_values[place]);
            return repeated;
        }
    }
}
