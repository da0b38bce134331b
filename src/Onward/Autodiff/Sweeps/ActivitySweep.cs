using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Adds noise to the pre-activations of affine maps, independently for each example.</summary>
internal sealed class ActivitySweep<T>(
    IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) : PerturbedSweep<T>(parameters, noise)
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly List<Site> _block = [];
    private int _sites;

    private protected override DualTensor<T> Map(DualTensor<T> x, string weight, string? bias)
    {
        DualTensor<T> z = x.MatMul(new(Value(weight)));
        if (bias is not null)
        {
            z += new DualTensor<T>(Value(bias));
        }

        DenseArray<T>[] u = Noise.ForActivities<T>(_sites++, z.Shape.ToArray());
        _block.Add(new(x.Value, weight, bias, u));
        return z.Perturb(u);
    }

    // dz = (1/(M N)) Σ_m g_m u_m. Then dW = xᵀ dz and db = Σ dz, over all rows.
    protected override void CreditActivities(DualTensor<T> loss)
    {
        foreach (Site site in _block)
        {
            int[] shape = site.Noise[0].Shape;                                                          // [N, ..., q]
            if (loss.Shape.Length != 1 || loss.Shape[0] != shape[0])
            {
                throw new ArgumentException(
                    $"Activity noise needs a loss for each example: [{shape[0]}], as axis 0 of the input of '{site.Weight}'; "
                    + $"got {Shapes.Text(loss.Shape)}. Return one loss for each example and leave the mean to the estimator.",
                    nameof(loss));
            }

            DenseArray<T> scale = new([], [T.One / T.CreateChecked((double)Noise.Passes * shape[0])]);
            int[] column = [shape[0], .. Enumerable.Repeat(1, shape.Length - 1)];
            DenseArray<T> dz = Credit(0);
            for (int pass = 1; pass < Noise.Passes; pass++)
            {
                dz += Credit(pass);
            }

            DenseArray<T> Credit(int pass) => (loss.TangentOrZero(pass) * scale).Reshape(column) * site.Noise[pass];

            int outputs = shape[^1], inputs = site.Input.Shape[^1], rows = Shapes.Count(shape.AsSpan(0, shape.Length - 1));
            dz = dz.Reshape([rows, outputs]);                                                           // [R, q]
            AddEstimate(site.Weight, site.Input.Reshape([rows, inputs]).TransposeMatrices().MatMul(dz));    // [p, q]
            if (site.Bias is not null)
            {
                AddEstimate(site.Bias, dz.Sum([0], keep: false));                                       // [q]
            }
        }

        _block.Clear();
    }

    private sealed record Site(DenseArray<T> Input, string Weight, string? Bias, DenseArray<T>[] Noise);
}
