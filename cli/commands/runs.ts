import { Command } from "commander";
export const runsCommand = () => new Command("runs");
export const statusCommand = () => new Command("status");
export const stopCommand = () => new Command("stop");
