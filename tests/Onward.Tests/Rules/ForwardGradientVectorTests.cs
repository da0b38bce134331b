using Onward.Engine;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>LG-FG-A against values that an independent program computed in float64 from naive replicated losses.</summary>
public sealed class ForwardGradientVectorTests
{
    public static IEnumerable<TheoryDataRow<string>> Files() => VectorFile.Paths().Select(path => new TheoryDataRow<string>(path));

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Files))]
    public void Losses_meet_the_expected_ones(string path)
    {
        VectorFile file = VectorFile.Read(path);
        using WorkerTeam team = new(1);
        TrainingStep training = new(file.Model, new ForwardGradient(file.Noise, LossScope.All, 1, seed: 0), team);

        StepResult result = training.Run(file.Input, file.Labels, 0);

        float[] losses = [.. result.BlockLosses.Select(loss => (float)loss)];
        Tolerance.Near(file.Expected("lgFgA", "localLosses"), losses, Tolerance.Network, "local losses");
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Files))]
    public void Gradients_meet_the_expected_ones(string path)
    {
        VectorFile file = VectorFile.Read(path);
        using WorkerTeam team = new(2);
        TrainingStep training = new(file.Model, new ForwardGradient(file.Noise, LossScope.All, 1, seed: 0), team);

        training.Run(file.Input, file.Labels, 0);

        foreach (NetworkBlock block in file.Model.Blocks)
        {
            for (int l = 0; l < block.Layers.Count; l++)
            {
                NetworkLayer layer = block.Layers[l];
                float[] weight = file.Expected("lgFgA", "gradients", block.Index, l, "weight");
                Tolerance.Near(weight, training.Gradients[layer.Weight], Tolerance.Network, layer.Weight.Name);

                // Normalisation cancels the bias of token mixing, so its gradient is measured against the weight's.
                float[] bias = file.Expected("lgFgA", "gradients", block.Index, l, "bias");
                Tolerance.Near(bias, training.Gradients[layer.Bias], Tolerance.Network, layer.Bias.Name, Tolerance.Norm(weight));
            }

            RequireHead(file, training, block.Head, "headGradients", block.Index);
        }

        RequireHead(file, training, file.Model.Readout, "readoutGradient");
    }

    // The exact one-layer gradients are those that local backprop gives to heads and readout.
    private static void RequireHead(VectorFile file, TrainingStep training, LinearHead head, params object[] path)
    {
        Tolerance.Near(file.Expected(["lgBp", .. path, "weight"]), training.Gradients[head.Weight], Tolerance.Network, head.Weight.Name);
        Tolerance.Near(file.Expected(["lgBp", .. path, "bias"]), training.Gradients[head.Bias], Tolerance.Network, head.Bias.Name);
    }
}
