using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Onward.Kernels;

namespace Onward.Optimizers;

/// <summary>
/// Momentum orthogonalised by Newton-Schulz iterations (Muon; Jordan 2024), for the weight matrices of layers. All other parameters are
/// updated by AdamW: biases, heads, and weights that are not matrices.
/// </summary>
/// <remarks>
/// v = momentum v + g; u = g + momentum v (Nesterov); O = u with all singular values near 1 (<see cref="NewtonSchulz"/>);
/// w = w - rate (0.2 sqrt(max(rows, columns)) O + decay w). The factor gives O the size of an update of AdamW, so that both take the same
/// learning rate and weight decay (Liu et al. 2025, "Muon is scalable for LLM training"). A convolution kernel is a matrix
/// [fan-in, outputs]; each group of a grouped layer has a matrix of its own.
/// </remarks>
/// <param name="Momentum">Fraction of the last velocity of a matrix that is kept, 0 to below 1.</param>
/// <param name="Others">The optimiser of all other parameters, whose weight decay holds for matrices too.</param>
public sealed record Muon(double Momentum, AdamW Others) : Optimizer(Momentum, Others?.WeightDecay ?? 0)
{
    /// <summary>The default of <see cref="Optimizer.Momentum"/>.</summary>
    public const double DefaultMomentum = 0.95;

    // The mean square of an update of AdamW lies between 0.2 and 0.4 (Liu et al. 2025).
    private const double RootMeanSquare = 0.2;

    /// <summary>The optimiser of all other parameters, whose weight decay holds for matrices too.</summary>
    public AdamW Others { get; } = Others ?? throw new ArgumentNullException(nameof(Others));

    /// <inheritdoc/>
    public override bool KeepsSquares => true;

    /// <inheritdoc/>
    internal override bool UpdatesInSlices => false;

    /// <summary>Updates consecutive numbers of a parameter that is no matrix, by <see cref="Others"/>.</summary>
    /// <param name="slice">The numbers, their gradients and their state.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">True to apply weight decay.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public override void Update(scoped in ParameterSlice slice, double rate, bool decay) => Others.Update(slice, rate, decay);

    /// <summary>The factor of the orthogonal matrix in an update.</summary>
    /// <param name="matrices">The matrices of a parameter.</param>
    internal static double ScaleOf(MatrixGroups matrices) => RootMeanSquare * Math.Sqrt(Math.Max(matrices.Rows, matrices.Columns));

    /// <summary>Adds the gradients of a row to its velocities, and computes what is to be orthogonalised.</summary>
    /// <param name="gradients">The gradients.</param>
    /// <param name="velocity">The velocities; updated.</param>
    /// <param name="row">Receives the row of the matrix to orthogonalise.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Advance(ReadOnlySpan<float> gradients, Span<float> velocity, Span<float> row)
    {
        float kept = (float)Momentum;
        int i = 0;
        for (; i <= row.Length - Lanes; i += Lanes)
        {
            Vector512<float> g = Vector512.Create(gradients.Slice(i, Lanes));
            Vector512<float> v = Vector512.FusedMultiplyAdd(
                Vector512.Create(kept), Vector512.Create((ReadOnlySpan<float>)velocity.Slice(i, Lanes)), g);
            v.CopyTo(velocity.Slice(i, Lanes));
            Vector512.FusedMultiplyAdd(Vector512.Create(kept), v, g).CopyTo(row.Slice(i, Lanes));
        }

        for (; i < row.Length; i++)
        {
            velocity[i] = MathF.FusedMultiplyAdd(kept, velocity[i], gradients[i]);
            row[i] = MathF.FusedMultiplyAdd(kept, velocity[i], gradients[i]);
        }
    }

    /// <summary>Updates a row of a matrix.</summary>
    /// <param name="values">The row; updated.</param>
    /// <param name="row">The row of the orthogonal matrix.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="scale">The factor of the orthogonal matrix (<see cref="ScaleOf"/>).</param>
    /// <param name="decay">True to apply weight decay.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Move(Span<float> values, ReadOnlySpan<float> row, double rate, double scale, bool decay)
    {
        float kept = decay ? (float)(1 - (rate * WeightDecay)) : 1, step = -(float)(rate * scale);
        int i = 0;
        for (; i <= row.Length - Lanes; i += Lanes)
        {
            Vector512<float> w = Vector512.Create((ReadOnlySpan<float>)values.Slice(i, Lanes)) * kept;
            Vector512.FusedMultiplyAdd(Vector512.Create(step), Vector512.Create(row.Slice(i, Lanes)), w).CopyTo(values.Slice(i, Lanes));
        }

        for (; i < row.Length; i++)
        {
            values[i] = MathF.FusedMultiplyAdd(step, row[i], values[i] * kept);
        }
    }
}
