namespace Onward.Laboratory;

/// <summary>Statistics of a random gradient around the exact one: variance, bias and direction, from many draws.</summary>
/// <remarks>
/// Deviations are taken from the exact gradient, not from zero, so that no precision is lost by cancellation. With e = estimate
/// - exact, the variance is mean |e|² - |mean e|², and the bias is mean e. Sums are in float64.
/// </remarks>
internal sealed class EstimateMoments
{
    private readonly float[] _exact;
    private readonly int[] _ends;
    private readonly double[] _deviations;
    private readonly Part[] _parts;
    private long _draws;

    /// <summary>Starts without draws.</summary>
    /// <param name="exact">The exact gradient.</param>
    /// <param name="ends">End of each part of the gradient, for example of each layer. The last one is the length of the gradient.</param>
    internal EstimateMoments(float[] exact, params int[] ends)
    {
        _exact = exact;
        _ends = ends;
        _deviations = new double[exact.Length];
        _parts = [.. Enumerable.Range(0, ends.Length + 1).Select(_ => new Part())];
    }

    /// <summary>Adds one draw of the estimate.</summary>
    internal void Add(ReadOnlySpan<float> estimate)
    {
        Draw all = default;
        for (int part = 0, i = 0; part < _ends.Length; part++)
        {
            Draw draw = default;
            for (; i < _ends[part]; i++)
            {
                double exact = _exact[i], value = estimate[i], deviation = value - exact;
                _deviations[i] += deviation;
                draw.Error += deviation * deviation;
                draw.Inner += value * exact;
                draw.Norm += value * value;
                draw.Exact += exact * exact;
            }

            _parts[part].Add(draw);
            all = new Draw
            {
                Error = all.Error + draw.Error,
                Inner = all.Inner + draw.Inner,
                Norm = all.Norm + draw.Norm,
                Exact = all.Exact + draw.Exact,
            };
        }

        _parts[^1].Add(all);
        _draws++;
    }

    /// <summary>Adds all draws of another instance, which must have the same exact gradient and parts.</summary>
    internal void Add(EstimateMoments other)
    {
        for (int i = 0; i < _deviations.Length; i++)
        {
            _deviations[i] += other._deviations[i];
        }

        for (int part = 0; part < _parts.Length; part++)
        {
            _parts[part].Add(other._parts[part]);
        }

        _draws += other._draws;
    }

    /// <summary>Computes the statistics of one part.</summary>
    internal EstimateQuality Measure(int part) => Measure(part == 0 ? 0 : _ends[part - 1], _ends[part], _parts[part]);

    /// <summary>Computes the statistics of the whole gradient.</summary>
    internal EstimateQuality Measure() => Measure(0, _exact.Length, _parts[^1]);

    private EstimateQuality Measure(int start, int end, Part part)
    {
        double bias = 0, exact = 0, draws = _draws;
        for (int i = start; i < end; i++)
        {
            bias += Math.Pow(_deviations[i] / draws, 2);
            exact += (double)_exact[i] * _exact[i];
        }

        double error = part.Error / draws, variance = (error - bias) * draws / (draws - 1);
        double spread = Math.Sqrt(Math.Max(0, (part.SquaredError / draws) - (error * error)) / (draws - 1));
        int length = end - start;
        return new EstimateQuality(
            Variance: variance / length,
            VarianceError: spread / length,
            RelativeVariance: variance / exact,
            RelativeBias: Math.Sqrt(bias / exact),
            RelativeBiasError: Math.Sqrt(variance / draws / exact),
            Cosine: part.Cosine / draws);
    }

    // Sums over the elements of one draw.
    private struct Draw
    {
        internal double Error, Inner, Norm, Exact;
    }

    // Sums over draws.
    private sealed class Part
    {
        internal double Error { get; private set; }

        internal double SquaredError { get; private set; }

        internal double Cosine { get; private set; }

        internal void Add(in Draw draw)
        {
            Error += draw.Error;
            SquaredError += draw.Error * draw.Error;
            double norms = Math.Sqrt(draw.Norm * draw.Exact);
            Cosine += norms > 0 ? draw.Inner / norms : 0;
        }

        internal void Add(Part other)
        {
            Error += other.Error;
            SquaredError += other.SquaredError;
            Cosine += other.Cosine;
        }
    }
}
