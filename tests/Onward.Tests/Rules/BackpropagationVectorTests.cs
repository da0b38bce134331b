using Onward.Engine;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>BP, L-BP and LG-BP against values that an independent program computed in float64 by automatic differentiation.</summary>
public sealed class BackpropagationVectorTests
{
    public static IEnumerable<TheoryDataRow<string, BackwardScope, string>> Cases() =>
        from path in VectorFile.Paths()
        from scope in Enum.GetValues<BackwardScope>()
        where scope != BackwardScope.LocalLossesOverlapping // which the vectors do not have
        select new TheoryDataRow<string, BackwardScope, string>(path, scope, scope switch
        {
            BackwardScope.Readout => "bp",
            BackwardScope.LocalLosses => "lBp",
            _ => "lgBp",
        });

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public void Gradients_meet_the_expected_ones(string path, BackwardScope scope, string rule)
    {
        VectorFile file = VectorFile.Read(path);
        using WorkerTeam team = new(2);
        TrainingStep backprop = new(file.Model, Backpropagation.ThroughWeights(scope), team);

        StepResult result = backprop.Run(file.Input, file.Labels, 0);

        double total = result.ReadoutLoss + (scope == BackwardScope.Readout ? 0 : result.BlockLosses.Sum());
        Tolerance.Near(file.Expected(rule, "totalLoss"), [(float)total], Tolerance.Network, "total loss");
        foreach (NetworkBlock block in file.Model.Blocks)
        {
            for (int l = 0; l < block.Layers.Count; l++)
            {
                NetworkLayer layer = block.Layers[l];
                float[] weight = file.Expected(rule, "gradients", block.Index, l, "weight");
                Tolerance.Near(weight, backprop.Gradients[layer.Weight], Tolerance.Network, layer.Weight.Name);

                // Normalisation cancels the bias of token mixing, so its gradient is measured against the weight's.
                Tolerance.Near(
                    file.Expected(rule, "gradients", block.Index, l, "bias"),
                    backprop.Gradients[layer.Bias],
                    Tolerance.Network,
                    layer.Bias.Name,
                    Tolerance.Norm(weight));
            }

            RequireHead(file, backprop, block.Head, rule, "headGradients", block.Index);
        }

        RequireHead(file, backprop, file.Model.Readout, rule, "readoutGradient");
    }

    private static void RequireHead(VectorFile file, TrainingStep training, LinearHead head, params object[] path)
    {
        Tolerance.Near(file.Expected([.. path, "weight"]), training.Gradients[head.Weight], Tolerance.Network, head.Weight.Name);
        Tolerance.Near(file.Expected([.. path, "bias"]), training.Gradients[head.Bias], Tolerance.Network, head.Bias.Name);
    }
}
