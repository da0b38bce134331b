using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>Products of two matrices, on one thread: by <see cref="Gemm"/> in float32, row by row in float64.</summary>
/// <remarks>
/// Each number of a product is one chain of fused multiply-adds over k in order, in both ways of computing it. So a row of a product
/// has the same bits whatever rows stand beside it, and the choice between the two is one of speed alone.
/// </remarks>
internal static class MatrixProduct
{
    // Rows of the right factor that are packed at a time: a panel of 64 columns takes 1 MB, which is the second cache.
    private const int MostSteps = 4096;

    [ThreadStatic]
    private static Memory<float> _workspace;

    /// <summary>Tells whether a product is large enough for <see cref="Packed"/>.</summary>
    /// <remarks>
    /// Packing reads and writes the right factor once, which takes as long as the products of a few rows. Row by row, a transposed right
    /// factor would have to be copied, which takes longer still.
    /// </remarks>
    public static bool Packs<T>(int m, int k, int n, bool rightTransposed) =>
        typeof(T) == typeof(float) && (m >= 4 || rightTransposed) && (long)m * k * n >= 1024;

    /// <summary>The product [m, n] of float32 matrices, packing a panel of the right factor at a time.</summary>
    /// <param name="left">The left factor [m, k].</param>
    /// <param name="leftTransposed">True if the left factor is stored [k, m].</param>
    /// <param name="right">The right factor [k, n].</param>
    /// <param name="rightTransposed">True if the right factor is stored [n, k].</param>
    /// <param name="product">Receives the product.</param>
    /// <param name="m">Rows of the product.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="n">Columns of the product.</param>
    public static void Packed<T>(
        ReadOnlySpan<T> left, bool leftTransposed, ReadOnlySpan<T> right, bool rightTransposed, Span<T> product, int m, int k, int n)
        where T : struct, IFloatingPointIeee754<T>
    {
        ReadOnlySpan<float> a = MemoryMarshal.Cast<T, float>(left), b = MemoryMarshal.Cast<T, float>(right);
        Span<float> c = MemoryMarshal.Cast<T, float>(product);
        for (int first = 0; first < k; first += MostSteps)
        {
            int steps = Math.Min(MostSteps, k - first);
            MatrixView columns = leftTransposed ? new MatrixView(a[(first * m)..], steps, m).Transposed : new(a[first..], m, steps, k);
            MatrixView rows = rightTransposed ? new MatrixView(b[first..], n, steps, k).Transposed : new(b[(first * n)..], steps, n);
            Gemm.Multiply(columns, rows, c, n, accumulate: first > 0, Workspace(Gemm.WorkspaceLength(steps)));
        }
    }

    /// <summary>The product [m, n], row by row.</summary>
    /// <param name="left">The left factor [m, k].</param>
    /// <param name="right">The right factor [k, n].</param>
    /// <param name="product">Receives the product.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="n">Columns of the product.</param>
    public static void ByRows<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> product, int k, int n)
        where T : struct, IFloatingPointIeee754<T>
    {
        product.Clear();
        for (; !product.IsEmpty; product = product[n..], left = left[k..])
        {
            Span<T> row = product[..n];
            for (int i = 0; i < k; i++)
            {
                TensorPrimitives.FusedMultiplyAdd(right.Slice(i * n, n), left[i], row, row);
            }
        }
    }

    // Memory of the thread, which grows to the largest product so far.
    private static Span<float> Workspace(int length)
    {
        if (_workspace.Length < length)
        {
            _workspace = AlignedMemory.Allocate(length);
        }

        return _workspace.Span;
    }
}
